"""The audit log: what happened, in an order nobody can change afterwards, provable offline by every side. See docs/audit.md."""

from marque.alliance.audit.checkpoint import Checkpoint, Request
from marque.alliance.audit.entry import Statement
from marque.alliance.audit.log import LogKey, add_cosignature, append, ask_witness, entries, export, inclusion, sign_checkpoint
from marque.alliance.audit.note import Note, Signature, VerifierKey
from marque.alliance.audit.verify import Finding, Keys, Report, verify
from marque.alliance.audit.witness import Witness

__all__ = [
    "Checkpoint",
    "Finding",
    "Keys",
    "LogKey",
    "Note",
    "Report",
    "Request",
    "Signature",
    "Statement",
    "VerifierKey",
    "Witness",
    "add_cosignature",
    "append",
    "ask_witness",
    "entries",
    "export",
    "inclusion",
    "sign_checkpoint",
    "verify",
]
