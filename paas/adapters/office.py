"""Every adapter that certificates need, as the settings want them."""

from pathlib import Path

from paas.adapters.authority import Account, AcmeAuthority
from paas.adapters.dns_hook import HookZone
from paas.adapters.keyring import FileKeyring
from paas.adapters.late_forge import LateForge
from paas.adapters.nameservers import SystemNameServers
from paas.ports import Office, Vault
from paas.settings import Acme


def open_office(acme: Acme, folder: Path, vault: Vault) -> Office:
    """With an authority if certificates are to be ordered; all is kept in `folder`."""
    forge = LateForge()
    account = Account(
        directory=acme.url,
        email=acme.email,
        ca_file=str(Path(acme.ca_file).absolute()) if acme.ca_file else "",
        profile=acme.profile,
    )
    return Office(
        keyring=FileKeyring(folder, vault=vault, new_key=forge.new_key),
        forge=forge,
        names=SystemNameServers(),
        zone=HookZone(acme.dns_hook),
        authority=AcmeAuthority(account) if acme.enabled else None,
    )
