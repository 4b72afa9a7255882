"""Electronic mail as a channel: settings, the message's text and HTML, SMTP by aiosmtplib, replies sorted."""

from connectors.channels.mail.channel import MailChannel
from connectors.channels.mail.compose import MessageError, compose
from connectors.channels.mail.settings import MailSettings

__all__ = ["MailChannel", "MailSettings", "MessageError", "compose"]
