"""Request bodies about backups."""

from paas.api.schema import Body


class BackupRequest(Body):
    """What an archive has beside the database and the settings file."""

    key: bool = False
    """The key that opens secrets: who has such an archive can read them all."""
    git: bool = False
    """The repositories that were pushed to."""
    images: bool = False
    """The images of all versions."""
