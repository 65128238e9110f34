"""Parts made from options and files: what the loop needs to know of the installation."""

from decimal import Decimal
from importlib.metadata import version

from coppice.adapters.intensity.live import LiveIntensity
from coppice.adapters.intensity.settings import Sources, links, sources
from coppice.adapters.intensity.static import StaticIntensity
from coppice.adapters.meters.keeper import ClusterMeters
from coppice.adapters.meters.prometheus import Prometheus
from coppice.adapters.nodes import Nodes
from coppice.adapters.web import Web
from coppice.app.options import Options
from coppice.app.settings_files import BadFile, default_policy, read_yaml
from coppice.ports import Clock, Cluster
from coppice.reconcile import Settings
from coppice.workloads.images import Images


def settings_of(options: Options) -> Settings:
    """What the installation decides for every job. Raises BadFile."""
    return Settings(
        images=Images(options.trainer_image, options.trainer_pull_policy),
        default_policy=default_policy(options.default_policy),
        default_zone=options.zone,
        pue=Decimal(options.pue),
        software_version=version("coppice"),
    )


def sources_of(options: Options) -> Sources:
    """The chain of live sources of carbon intensity. Raises BadFile."""
    try:
        return sources(read_yaml(options.intensity_sources))
    except ValueError as error:
        raise BadFile(f"{options.intensity_sources}: {error}") from error


def intensity_of(options: Options, chain: Sources, web: Web, clock: Clock) -> LiveIntensity:
    """The chain, behind it the shipped table with the installation's own values in front. Raises BadFile."""
    try:
        table = StaticIntensity(read_yaml(options.intensity_overrides))
    except ValueError as error:
        raise BadFile(f"{options.intensity_overrides}: {error}") from error
    return LiveIntensity(table, links(chain, web), clock, refresh=chain.refresh, stale_after=chain.stale_after)


def meters_of(options: Options, web: Web, clock: Clock) -> ClusterMeters | None:
    """Meters of the cluster, where a Prometheus is named."""
    if not options.meters_prometheus:
        return None
    return ClusterMeters(Prometheus(web, options.meters_prometheus, options.meters_credentials), clock)


def nodes_of(options: Options, chain: Sources, cluster: Cluster) -> Nodes | None:
    """Nodes, where their labels are to say the zone. Raises BadFile."""
    if not options.zone_from_nodes:
        return None
    named = {zone for source in chain.providers for zone in source.zones}
    return Nodes(cluster, options.zone, {*read_yaml(options.intensity_overrides), *named})
