"""Errors, by who can mend them.

HealthslmError
├── BadMessage      the sender: dropped or set aside, counted, and we go on
├── ConfigError     the operator: names the file, the key and what is allowed      (78)
├── RecordingError  whoever chose the recording: unreadable, or of an unknown form
├── CheckpointError whoever chose the weights: damaged, or of a model that is not known
├── IntegrityError  the storage: altered, torn, or sealed under another key
├── LockedError     the owner: this needs a key that is not here                   (77)
│   ├── PassphraseError     it is not the one that opens this store
│   ├── SheetError          the words are none, or not those of this store's sheet
│   ├── DeviceKeyError      the board's own key is missing, of another store, or not private
│   └── ReaderLockedError   a reader: their own key does not open
├── BrokerError     the network: try again later                                   (75)
├── DeliveryError   whoever should take a report: try again later                  (75)
├── ReportError     whoever sent a report: altered, forged, older than one before
└── ModelError      the model: the template speaks instead

No message holds a measurement, a name, a key or a prompt: counts, kinds and record ids only.
Misuse by our own code is ValueError or RuntimeError and may crash.
"""


class HealthslmError(Exception):
    """The root; never raised itself."""

    exit_code = 1


class BadMessage(HealthslmError):
    """A payload that breaks the wire format; `reason` is a short fixed word for counting."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ConfigError(HealthslmError):
    """The configuration cannot be used as written."""

    exit_code = 78


class RecordingError(HealthslmError):
    """A recording cannot be read."""


class CheckpointError(HealthslmError):
    """Published weights cannot be turned into a model."""


class IntegrityError(HealthslmError):
    """Stored bytes are not what was sealed."""


class LockedError(HealthslmError):
    """The key that opens this is not at hand."""

    exit_code = 77


class PassphraseError(LockedError):
    """The passphrase does not open this store."""


class SheetError(LockedError):
    """What was typed is no recovery sheet, or not the one of this store."""


class DeviceKeyError(LockedError):
    """The board's own key is not right; `state` is a short fixed word for how, the text what to do.

    state  "missing", "of another user", "open to others" or "of another store".
    """

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state


class ReaderLockedError(LockedError):
    """A reader's own key, kept far from any store, does not open."""


class BrokerError(HealthslmError):
    """The broker cannot be reached."""

    exit_code = 75


class ModelError(HealthslmError):
    """The language model cannot be used."""


class DeliveryError(HealthslmError):
    """A finished report could not be handed over."""

    exit_code = 75


class ReportError(HealthslmError):
    """A report is refused; `reason` is the word of `docs/report-format.md` for why."""

    def __init__(self, reason: str, what: str) -> None:
        super().__init__(f"{reason}: {what}")
        self.reason, self.what = reason, what
