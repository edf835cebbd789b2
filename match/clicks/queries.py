"""The queries over logs, written once: in SQL that DuckDB and DataFusion read as it stands, and other engines in their own dialect.

Where logs outgrow one machine they run where the logs live, over two views:

    impressions  impression_id, user_id, title_id, artwork_id, copy_id, segment: text; place, shown_us: BIGINT
    plays        impression_id: text; seconds, fraction: DOUBLE; played_us: BIGINT

Times are microseconds since 1970, UTC; `place` is a number per row and position of the page; what a log does not have is
null, and so is what is no number: some engines hold that NaN is more than any limit. Who needs further columns of the impressions
names them as {more}, each after a comma, and they come along; those of them that can be sorted as {ties}, too.
"""

from embed.errors import LogError

DAY_US = 8.64e10  # of a day

# Each impression once, the first of those under one id; and whether it led to a quality play, and when.
ONCE = """
    WITH quality AS (
        SELECT impression_id, min(played_us) AS played_us FROM plays
        WHERE {quality}
        GROUP BY impression_id
    ),
    numbered AS (
        SELECT *, row_number() OVER (
            PARTITION BY impression_id
            ORDER BY shown_us NULLS LAST, user_id NULLS LAST, title_id NULLS LAST, artwork_id NULLS LAST, segment NULLS LAST,
                copy_id NULLS LAST, place NULLS LAST{ties}
        ) AS copies
        FROM impressions
    )
    SELECT numbered.impression_id, user_id, title_id, artwork_id, copy_id, segment, place, shown_us,
        CAST(floor(shown_us / 8.64e10) AS BIGINT) AS shown_day,
        quality.played_us, CASE WHEN quality.impression_id IS NULL THEN 0 ELSE 1 END AS quality{more}
    FROM numbered LEFT JOIN quality ON numbered.impression_id = quality.impression_id
    WHERE copies = 1
"""

# Out of once: what each is counted as. Repeats are those of one {repeated}: an artwork_id, or a title_id.
FACTS = """
    WITH counted AS (
        SELECT *, count(*) OVER (PARTITION BY user_id, shown_day) AS of_user,
            row_number() OVER (PARTITION BY user_id, shown_day, {repeated} ORDER BY shown_us, impression_id) AS again
        FROM once
    )
    SELECT impression_id, user_id, title_id, artwork_id, copy_id, segment, place, shown_us, shown_day, played_us, quality{more},
        CASE WHEN user_id IS NULL OR shown_day IS NULL THEN 'counted'
            WHEN of_user > {most_impressions} THEN 'bot'
            WHEN again > {most_repeats} THEN 'repeat'
            ELSE 'counted' END AS verdict
    FROM counted
"""

# Out of facts: how many quality plays came how late, in powers of two of seconds.
DELAYS = """
    SELECT shown_day, CAST(ceil(log2(1 + abs(played_us - shown_us) / 1000000.0)) AS BIGINT) AS late, count(*) AS plays
    FROM facts WHERE quality = 1 AND verdict = 'counted' AND played_us IS NOT NULL AND shown_us IS NOT NULL
    GROUP BY 1, 2
"""

# Out of facts: a day's counts. What was shown after {settled_us} may still be played, and waits.
DAYS = """
    WITH judged AS (
        SELECT title_id, artwork_id, copy_id, segment, place, shown_day, quality,
            CASE WHEN verdict = 'counted' AND shown_us > {settled_us} THEN 'young' ELSE verdict END AS verdict
        FROM facts
    )
    SELECT 'segment' AS kind, shown_day, title_id, artwork_id, segment AS name, CAST(NULL AS BIGINT) AS place,
        count(*) AS impressions, sum(quality) AS plays
    FROM judged WHERE verdict = 'counted' GROUP BY shown_day, title_id, artwork_id, segment
    UNION ALL
    SELECT 'place', shown_day, title_id, artwork_id, NULL, place, count(*), sum(quality)
    FROM judged WHERE verdict = 'counted' GROUP BY shown_day, title_id, artwork_id, place
    UNION ALL
    SELECT 'copy', shown_day, title_id, NULL, copy_id, NULL, count(*), sum(quality)
    FROM judged WHERE verdict = 'counted' AND trim(copy_id) <> '' GROUP BY shown_day, title_id, copy_id
    UNION ALL
    SELECT verdict, shown_day, NULL, NULL, NULL, NULL, count(*), sum(quality)
    FROM judged GROUP BY verdict, shown_day
"""


def in_dialect(query: str, dialect: str) -> str:
    """The query as another engine reads it, by sqlglot's name of its dialect, such as spark, trino or bigquery.

    Raises LogError for a dialect that sqlglot does not know, and where it is not installed.
    """
    try:
        import sqlglot
    except ImportError as error:
        raise LogError("queries in another dialect need sqlglot; pip install 'artwork-matcher[warehouse]'") from error
    try:
        return sqlglot.transpile(query, read="duckdb", write=dialect, pretty=True)[0]
    except ValueError as error:
        raise LogError(f"no dialect {dialect!r}: {error}") from error
