"""The sweep files as an asset, so that a file that cannot be read is a failed check with file, line and error."""

from collections.abc import Iterator

import dagster as dg

from assets.catalogue import Catalogue

KEY = dg.AssetKey("sweep_files")


def sweep_files_asset(catalogue: Catalogue) -> dg.AssetsDefinition:
    """Build the asset that lists the sweeps of the project and checks that every file can be read."""

    @dg.asset(
        key=KEY,
        check_specs=[dg.AssetCheckSpec("readable", asset=KEY, description="Every file under sweeps/ can be read.")],
        output_required=False,
        kinds={"yaml"},
        description="The files under sweeps/. A broken one is left out of the partitions and shown as a failed check.",
    )
    def sweep_files(context: dg.AssetExecutionContext) -> Iterator:
        sizes = {name: len(sweep.rows) for name, sweep in catalogue.sweeps.items()}
        yield dg.AssetMaterialization(KEY, metadata={"configurations": dg.MetadataValue.json(sizes)})
        yield readable(catalogue)

    return sweep_files


def readable(catalogue: Catalogue) -> dg.AssetCheckResult:
    """Check that no sweep file is broken."""
    problems = [line for error in catalogue.errors.values() for line in error.problems]
    return dg.AssetCheckResult(
        asset_key=KEY,
        check_name="readable",
        passed=not problems,
        metadata={"problems": dg.MetadataValue.md("\n".join(f"- `{line}`" for line in problems) or "none")},
        description=problems[0] if problems else f"{len(catalogue.sweeps)} files",
    )
