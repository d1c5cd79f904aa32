"""Training tables of the session: of one catalog, and of two."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from support.catalogs import write_offers
from support.training_tables import training_table


@pytest.fixture(scope="session")
def table(catalog_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return training_table(tmp_path_factory.mktemp("prepared"), catalog_csv)


@pytest.fixture(scope="session")
def both(catalog_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """60 products with pictures and no groups, then 36 offers of 12 products without pictures."""
    folder = tmp_path_factory.mktemp("both")
    return training_table(folder, catalog_csv, write_offers(folder), group="product")
