"""The one door to `apprise`: whether an address can be told, and telling it."""

from __future__ import annotations

import logging
import warnings

from apprise import Apprise, AppriseAsset
from apprise.common import NotifyFormat, NotifyType

Kind = NotifyType
GOOD, NEWS, BAD = NotifyType.SUCCESS, NotifyType.INFO, NotifyType.WARNING

# Nothing is kept beside the store, nothing made, and nothing looked for on other computers.
_ASSET = AppriseAsset(
    storage_mode="memory",
    app_id="Pingzhang",
    app_desc="Pingzhang alerts",
    app_url="",
    async_mode=False,
    pgp_autogen=False,
    pem_autogen=False,
)

# It writes addresses into its log, and reasons that repeat them.
logging.getLogger("apprise").disabled = True


def understood(url: str) -> bool:
    """Whether this is the address of a service that can be told."""
    return bool(_apprise(url))


def deliver(url: str, title: str, body: str, kind: Kind) -> bool:
    """Tell it, once; False when it did not take it, or did not answer."""
    door = _apprise(url)
    return bool(door) and bool(
        door.notify(body=body, title=title, notify_type=kind, body_format=NotifyFormat.TEXT)
    )


def _apprise(url: str) -> Apprise:
    door = Apprise(asset=_ASSET)
    with warnings.catch_warnings():
        # The first address loads every service, some with modules that Python will drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        door.add(url)
    return door
