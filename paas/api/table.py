"""Every route of the API, in the order of the document."""

from typing import Any

from paas.api import (
    routes_access,
    routes_backup,
    routes_certificates,
    routes_deployments,
    routes_disk,
    routes_figures,
    routes_git,
    routes_history,
    routes_hooks,
    routes_registries,
    routes_services,
    routes_session,
    routes_traffic,
    routes_versions,
)
from paas.api.call import Route

ROUTES: tuple[Route[Any, Any], ...] = (
    *routes_services.ROUTES,
    *routes_certificates.ROUTES,
    *routes_deployments.ROUTES,
    *routes_git.ROUTES,
    *routes_versions.ROUTES,
    *routes_traffic.ROUTES,
    *routes_registries.ROUTES,
    *routes_disk.ROUTES,
    *routes_hooks.ROUTES,
    *routes_history.ROUTES,
    *routes_access.ROUTES,
    *routes_session.ROUTES,
    *routes_figures.ROUTES,
    *routes_backup.ROUTES,
)
