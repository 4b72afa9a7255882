"""The part of google-re2 that is used here; the package ships no types."""

class Options:
    max_mem: int
    log_errors: bool
    never_capture: bool

class error(Exception): ...
class _Match: ...

class _Regexp:
    def fullmatch(self, text: str) -> _Match | None: ...

def compile(pattern: str, options: Options | None = None) -> _Regexp: ...
