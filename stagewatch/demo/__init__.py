"""`stagewatch demo`: a simulated sales organisation in a workspace of its own, shown while it works.

plan       how long, how fast, which seed
past       the workspace, and a year of history imported into it
mailbox    the mail server that takes what is sent
sender     the HTTP side: events in, links of mails opened and answered
stories    two situations that always happen: decided by a mail's link, withdrawn by a late report
tally      counts what happened
lines      one line per happening, and the panel
screen     where lines go: a terminal, a pipe, nowhere
summary    figures, what was promised and came, where to look next
play       puts all of it together

It uses the product as users do: its files, its server, HTTP and SMTP. It must not reach into a machine.
"""
