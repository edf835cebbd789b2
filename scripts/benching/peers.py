"""Whose lookups are measured: the best artwork of each title of a page, each as its own documentation says for exact answers.

An opener takes a catalog, and gives a function of (queries (q, d) float32, titles (t,) int64) to (titles, rows), in any order: each
title it found, once, and the row of its best artwork. It is imported by the children of lookups.py, in the interpreter where the
contender is installed; libraries are imported by what needs them.

    pip install duckdb faiss-cpu lancedb "pymilvus[milvus-lite]" qdrant-client qdrant-edge-py usearch zvec
"""

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from artwork_doors.benching.catalogs import best_of_runs, rows_of

Answer = tuple[np.ndarray, np.ndarray]  # titles, rows: (t,) int64 each
Lookup = Callable[[np.ndarray, np.ndarray], Answer]
BATCH = 1000  # artworks added at a time, where there is no other way


@dataclass(frozen=True)
class Loaded:
    """A catalog, as a contender is given it."""

    vectors: np.ndarray  # (n, d) float32 unit vectors, sorted by title; mapped, read-only
    first_rows: np.ndarray  # (titles + 1,) int64
    scratch: Path  # a folder of its own

    @cached_property
    def titles(self) -> np.ndarray:
        """(n,) int64: the title of each row."""
        return np.repeat(np.arange(len(self.first_rows) - 1), np.diff(self.first_rows))

    def count(self, titles: np.ndarray) -> int:
        """How many artworks these titles have: what must be asked for where the contender knows no groups."""
        return int((self.first_rows[titles + 1] - self.first_rows[titles]).sum())


@dataclass(frozen=True)
class Contender:
    """One way to answer a page."""

    name: str
    how: str
    open: Callable[[Loaded], Lookup]
    requires: tuple[tuple[str, str], ...]  # (module, distribution)
    here: bool = True  # runs in this project's interpreter, not in that of --peers-python
    interests: bool = False  # takes several queries at once
    exact: bool = True  # by its own account
    peer: bool = True  # what ours is to beat; False: ours, and what it was made from
    most: int | None = None  # artworks; beyond, its pages take seconds
    number: int = 4  # bytes of a number that it reads


def ours(catalog: Loaded) -> Lookup:
    """The index as the Matcher asks it."""
    from index.titles import build_index

    index = build_index(catalog.vectors, catalog.titles, len(catalog.first_rows) - 1)

    def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
        found = index.page(queries, titles)
        return found.titles, found.best()

    return page


def numpy_gather(catalog: Loaded) -> Lookup:
    """The rows copied together, one product, the best of each run."""

    def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
        rows, starts = rows_of(catalog.first_rows, titles)
        products = catalog.vectors[rows] @ queries.T  # (rows, q)
        return titles, best_of_runs(products[:, 0] if len(queries) == 1 else products.max(axis=1), rows, starts)

    return page


def torch_gather(catalog: Loaded) -> Lookup:
    """index_select and mv."""
    torch = _library("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the map is read-only; nobody writes to it
        vectors = torch.from_numpy(catalog.vectors)

    def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
        rows, starts = rows_of(catalog.first_rows, titles)
        products = torch.mv(vectors.index_select(0, torch.from_numpy(rows)), torch.from_numpy(queries[0]))
        return titles, best_of_runs(products.numpy(), rows, starts)

    return page


def faiss_selector(selector: str) -> Callable[[Loaded], Lookup]:
    """FAISS's wiki, "Setting search parameters for one query": SearchParameters(sel=…) with the page's rows.

    With IDSelectorArray, IndexFlat reads the selected rows only.
    """

    def open_flat(catalog: Loaded) -> Lookup:
        faiss = _library("faiss")
        index = faiss.IndexFlatIP(catalog.vectors.shape[1])
        index.add(catalog.vectors)

        def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
            rows, _ = rows_of(catalog.first_rows, titles)
            chosen = faiss.SearchParameters(sel=getattr(faiss, selector)(rows))
            # every artwork of the page must come back: fewer would lose titles
            _, found = index.search(queries, len(rows), params=chosen)
            return _first_of_each(catalog.titles[found[0]], found[0])

        return page

    return open_flat


def faiss_lists(half: bool) -> Callable[[Loaded], Lookup]:
    """An inverted list for each title, and search_preassigned, which says what list each query reads: one query for each title.

    This was the index's first prototype, made by us: nobody documents FAISS so.
    """

    def open_lists(catalog: Loaded) -> Lookup:
        faiss = _library("faiss")
        dimension, titles = catalog.vectors.shape[1], len(catalog.first_rows) - 1
        quantizer, metric = faiss.IndexFlatIP(dimension), faiss.METRIC_INNER_PRODUCT
        if half:
            fp16 = faiss.ScalarQuantizer.QT_fp16
            index = faiss.IndexIVFScalarQuantizer(quantizer, dimension, titles, fp16, metric, False)
        else:
            index = faiss.IndexIVFFlat(quantizer, dimension, titles, metric)
        index.own_fields, index.by_residual, index.is_trained = False, False, True
        vectors, rows, lists = np.ascontiguousarray(catalog.vectors), np.arange(len(catalog.vectors)), catalog.titles
        index.add_core(len(vectors), *map(faiss.swig_ptr, (vectors, rows, lists)))

        def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
            asked = np.repeat(queries, len(titles), axis=0)
            _, found = index.search_preassigned(asked, 1, titles[:, None], np.zeros((len(titles), 1), np.float32))
            return titles, found[:, 0]

        return page

    return open_lists


def qdrant_local(catalog: Loaded) -> Lookup:
    """Qdrant, "Query points groups": group_by a field of the payload, a limit of groups, group_size points of each."""
    qdrant = _library("qdrant_client")
    models, client = qdrant.models, qdrant.QdrantClient(":memory:")
    vectors = models.VectorParams(size=catalog.vectors.shape[1], distance=models.Distance.DOT)
    client.create_collection("artwork", vectors_config=vectors)
    payload = [{"title": title} for title in catalog.titles.tolist()]
    ids = range(len(catalog.vectors))
    client.upload_collection("artwork", vectors=catalog.vectors, payload=payload, ids=ids, batch_size=BATCH)

    def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
        among = models.FieldCondition(key="title", match=models.MatchAny(any=titles.tolist()))
        groups = client.query_points_groups(
            "artwork",
            query=queries[0],
            group_by="title",
            query_filter=models.Filter(must=[among]),
            limit=len(titles),
            group_size=1,
            with_payload=False,
        ).groups
        return _arrays([group.id for group in groups], [group.hits[0].id for group in groups])

    return page


def qdrant_edge(catalog: Loaded) -> Lookup:
    """Qdrant Edge, the engine in this process, "Reading data": an exact query with a filter on an indexed field of the payload.

    Its documentation has groups in Rust only: all of the page is asked for, and grouped here.
    """
    edge = _library("qdrant_edge")
    config = edge.EdgeConfig(vectors={"": edge.EdgeVectorParams(size=catalog.vectors.shape[1], distance=edge.Distance.Dot)})
    shard = edge.EdgeShard.create(str(catalog.scratch), config)
    shard.update(edge.UpdateOperation.create_field_index("title", edge.PayloadSchemaType.Integer))
    for rows in _batches(catalog):
        points = [edge.Point(row, {"": catalog.vectors[row].tolist()}, {"title": int(catalog.titles[row])}) for row in rows]
        shard.update(edge.UpdateOperation.upsert_points(points))

    def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
        among = edge.FieldCondition(key="title", match=edge.MatchAny(any=titles.tolist()))
        request = edge.QueryRequest(
            limit=catalog.count(titles),
            query=edge.Query.Nearest(queries[0].tolist(), using=""),
            filter=edge.Filter(must=[among]),
            params=edge.SearchParams(exact=True),
        )
        rows = np.array([point.id for point in shard.query(request)], np.int64)
        return _first_of_each(catalog.titles[rows], rows)

    return page


def lancedb(catalog: Loaded) -> Lookup:
    """LanceDB, "Filtering": `where` before the search, with a scalar index; without a vector index the scan is exact. No groups."""
    table = _library("lancedb").connect(str(catalog.scratch)).create_table("artwork", _table(catalog))
    table.create_scalar_index("title")

    def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
        search = table.search(queries[0]).distance_type("dot").where(f"title IN ({_listed(titles)})", prefilter=True)
        found = search.select(["row", "title", "_distance"]).limit(catalog.count(titles)).to_arrow()
        return _first_of_each(found["title"].to_numpy(), found["row"].to_numpy())

    return page


def milvus_lite(catalog: Loaded) -> Lookup:
    """Milvus, "Grouping search": group_by_field, group_size=1, a limit of groups; a filter expression for the page."""
    milvus = _library("pymilvus")
    types, client = milvus.DataType, milvus.MilvusClient(str(catalog.scratch / "milvus.db"))
    schema = client.create_schema(auto_id=False)
    schema.add_field("row", types.INT64, is_primary=True)
    schema.add_field("title", types.INT64)
    schema.add_field("vector", types.FLOAT_VECTOR, dim=catalog.vectors.shape[1])
    flat = client.prepare_index_params()
    flat.add_index("vector", index_type="FLAT", metric_type="IP")
    client.create_collection("artwork", schema=schema, index_params=flat)
    for rows in _batches(catalog):
        made = [{"row": row, "title": int(catalog.titles[row]), "vector": np.array(catalog.vectors[row])} for row in rows]
        client.insert("artwork", made)
    client.load_collection("artwork")

    def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
        (hits,) = client.search(
            "artwork",
            data=[queries[0]],
            filter=f"title in [{_listed(titles)}]",
            limit=len(titles),
            group_by_field="title",
            group_size=1,
            search_params={"metric_type": "IP"},
            output_fields=["title"],
        )
        return _arrays([hit["entity"]["title"] for hit in hits], [hit["row"] for hit in hits])

    return page


def usearch(catalog: Loaded) -> Lookup:
    """usearch, "Exact search": search(dataset, query, count, metric, exact=True) over the page's own rows. No filter, no groups."""
    engine = _library("usearch.index")

    def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
        rows, _ = rows_of(catalog.first_rows, titles)
        matches = engine.search(catalog.vectors[rows], queries[0], len(rows), engine.MetricKind.IP, exact=True)
        found = rows[matches.keys.astype(np.int64)]
        return _first_of_each(catalog.titles[found], found)

    return page


def zvec(catalog: Loaded) -> Lookup:
    """zvec, Collection.group_by_query: a field to group by, groups, one of each, a filter; on a flat index, which is exact."""
    z = _library("zvec")
    title = z.FieldSchema("title", z.DataType.INT64, index_param=z.InvertIndexParam())
    flat, dimension = z.FlatIndexParam(z.MetricType.IP), catalog.vectors.shape[1]
    vector = z.VectorSchema("vector", z.DataType.VECTOR_FP32, dimension, index_param=flat)
    schema = z.CollectionSchema(name="artwork", fields=[title], vectors=[vector])
    collection = z.create_and_open(path=str(catalog.scratch / "artwork"), schema=schema)
    for rows in _batches(catalog):
        fields = [(str(row), catalog.vectors[row].tolist(), int(catalog.titles[row])) for row in rows]
        collection.insert([z.Doc(row, vectors={"vector": vector}, fields={"title": title}) for row, vector, title in fields])
    collection.optimize()

    def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
        groups = collection.group_by_query(
            z.Query(field_name="vector", vector=queries[0].tolist()),
            group_by_field_name="title",
            group_count=len(titles),
            topk_per_group=1,
            filter=f"title in ({_listed(titles)})",
        )
        return _arrays([group.group_by_value for group in groups], [group.docs[0].id for group in groups])

    return page


def duckdb(catalog: Loaded) -> Lookup:
    """DuckDB, "Array functions": array_inner_product, arg_max(row, product) GROUP BY title.

    The index of its extension vss serves ORDER BY … LIMIT without a filter only, and has no part in this.
    """
    dimension = catalog.vectors.shape[1]
    connection = _library("duckdb").connect(config={"threads": cores()})
    connection.register("source", _table(catalog))
    connection.execute(f"CREATE TABLE artwork AS SELECT row, title, vector::FLOAT[{dimension}] AS vector FROM source")
    sql = f"""SELECT title, arg_max(row, product) AS row FROM (
        SELECT title, row, array_inner_product(vector, $query::FLOAT[{dimension}]) AS product
        FROM artwork WHERE title IN (SELECT unnest($titles::BIGINT[]))) GROUP BY title"""

    def page(queries: np.ndarray, titles: np.ndarray) -> Answer:
        found = connection.execute(sql, {"query": queries[0].tolist(), "titles": titles.tolist()}).fetchnumpy()
        return found["title"], found["row"]

    return page


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _library(name: str) -> Any:
    """What it needs, imported when it is needed, and of any type: several have none, or stubs that do not hold."""
    return import_module(name)


def _first_of_each(titles: np.ndarray, rows: np.ndarray) -> Answer:
    """Of artworks by falling similarity, the first of each title."""
    found, first = np.unique(titles, return_index=True)
    return found, rows[first]


def _arrays(titles: list[Any], rows: list[Any]) -> Answer:
    return np.array(titles, np.int64), np.array(rows, np.int64)


def _listed(titles: np.ndarray) -> str:
    return ", ".join(map(str, titles.tolist()))


def _batches(catalog: Loaded) -> list[range]:
    count = len(catalog.vectors)
    return [range(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]


def _table(catalog: Loaded) -> Any:
    """row, title and vector, as an Arrow table."""
    pa = _library("pyarrow")
    flat, dimension = pa.array(catalog.vectors.reshape(-1)), catalog.vectors.shape[1]
    vectors = pa.FixedSizeListArray.from_arrays(flat, dimension)
    return pa.table({"row": np.arange(len(catalog.vectors)), "title": catalog.titles, "vector": vectors})


OURS, PROTOTYPE = "ours", "faiss-lists"
NUMPY, FAISS = ("numpy", "numpy"), ("faiss", "faiss-cpu")
CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender(OURS, "index.page(…).best()", ours, (FAISS, NUMPY), interests=True, peer=False),
        Contender("numpy", "gather and product", numpy_gather, (NUMPY,), interests=True),
        Contender("torch", "index_select and mv", torch_gather, (("torch", "torch"),)),
        Contender("faiss-batch", "flat, IDSelectorBatch", faiss_selector("IDSelectorBatch"), (FAISS,)),
        Contender("faiss-array", "flat, IDSelectorArray", faiss_selector("IDSelectorArray"), (FAISS,)),
        Contender(PROTOTYPE, "a list for each title", faiss_lists(half=False), (FAISS,), peer=False),
        Contender(
            "faiss-lists-fp16",
            "the same in half precision",
            faiss_lists(half=True),
            (FAISS,),
            exact=False,
            peer=False,
            number=2,
        ),
        Contender("usearch", "exact search of gathered rows", usearch, (("usearch", "usearch"),), here=False),
        Contender("duckdb", "arg_max by title", duckdb, (("duckdb", "duckdb"),), here=False),
        Contender("lancedb", "filter, flat scan", lancedb, (("lancedb", "lancedb"),), here=False),
        Contender("zvec", "group_by_query, flat index", zvec, (("zvec", "zvec"),), here=False),
        Contender("qdrant-edge", "filter, exact", qdrant_edge, (("qdrant_edge", "qdrant-edge-py"),), here=False),
        Contender(
            "qdrant-local",
            "query_points_groups",
            qdrant_local,
            (("qdrant_client", "qdrant-client"),),
            here=False,
            most=10_000,
        ),
        Contender(
            "milvus-lite",
            "grouping search, flat index",
            milvus_lite,
            (("pymilvus", "pymilvus"), ("milvus_lite", "milvus-lite")),
            here=False,
            most=10_000,
        ),
    )
}
