/**
 * Arbitrary statements over the tables `entries` and `others`, which have the columns id, name and number: what a
 * view can serve and what it cannot, under aliases, in subqueries and beside names that hide a table. Some are
 * refused by the server whatever the tables are; the others are what a test is about.
 */
import fc from "fast-check";

type Text = fc.Arbitrary<string>;

const oneOf = (...texts: string[]): Text => fc.constantFrom(...texts);

/** Parts put together with spaces; empty ones leave nothing. */
const sequence = (...parts: (Text | string)[]): Text =>
  fc.tuple(...parts.map((part) => typeof part === "string" ? fc.constant(part) : part))
    .map((texts) => texts.filter((text) => text !== "").join(" "));

/** The part in so many of ten cases. */
const maybe = (part: Text, ofTen = 3): Text =>
  fc.oneof({ weight: 10 - ofTen, arbitrary: fc.constant("") }, { weight: ofTen, arbitrary: part });

const weighted = (...parts: [weight: number, arbitrary: Text][]): Text =>
  fc.oneof(...parts.map(([weight, arbitrary]) => ({ weight, arbitrary })));

const list = (part: Text, maxLength: number): Text =>
  fc.array(part, { minLength: 1, maxLength }).map((texts) => texts.join(", "));

/** How columns can be qualified where these relations are in FROM. */
type Names = string[];

const ALIASES = ["o", "e", "entries", "others", "x"];

const columnOf = (names: Names): Text =>
  fc.tuple(
    oneOf("", "", ...names.map((name) => `${name}.`)),
    weighted([8, oneOf("id", "name", "number", "ID", '"name"')], [
      2,
      oneOf("ctid", "xmin", "tableoid", "xmax"),
    ]),
  ).map((parts) => parts.join(""));

/** An expression over columns of these relations, and the queries `query` makes. */
const expressionOf = (names: Names, query: Text): Text =>
  weighted(
    [8, columnOf(names)],
    [2, oneOf("1", "'entries'", "null", "$$from entries$$", "now()", "'entries'::text")],
    [
      4,
      columnOf(names).chain((column) =>
        oneOf(
          `lower(${column}::text)`,
          `max(${column}::text)`,
          `count(${column})`,
          `${column}::text || 'x'`,
          `(${column} is null)`,
          `case when ${column} is null then 1 end`,
          `count(*) filter (where ${column} is null)`,
          `count(${column}) over ()`,
          `string_agg(${column}::text, ',' order by ${column}::text)`,
        )
      ),
    ],
    [
      1,
      sequence(
        "(select",
        columnOf([...names, "s"]),
        "from",
        oneOf("entries s", "others s"),
        "limit 1)",
      ),
    ],
    [1, query.map((text) => `exists (${text})`)],
  );

const conditionOf = (names: Names, query: Text): Text =>
  weighted(
    [3, sequence(expressionOf(names, query), oneOf("is not null", "is distinct from null"))],
    [
      2,
      sequence(
        columnOf(names),
        "in (select",
        columnOf([]),
        "from",
        oneOf("entries", "others"),
        ")",
      ),
    ],
    [1, sequence(columnOf(names), "is not distinct from", columnOf(names))],
    [1, sequence(columnOf(names).map((column) => `${column}::text`), "= 'entries.ctid'")],
    [1, query.map((text) => `not exists (${text})`)],
  );

interface FromItem {
  text: string;
  names: Names;
}

/** An item of FROM, with a name of its own among those that are left. */
const fromItem = (query: Text, taken: Names = []): fc.Arbitrary<FromItem> =>
  fc.tuple(
    weighted(
      [6, oneOf("entries", "public.entries", '"entries"', "Entries", "only entries", "entries *")],
      [2, oneOf("others", "public.others")],
      [1, oneOf("generate_series(1, 2)", "rows from (generate_series(1, 2))")],
      [2, query.map((text) => `(${text})`)],
    ),
    oneOf("", "as ", ""),
    oneOf(...ALIASES.filter((alias) => !taken.includes(alias))),
    fc.integer({ min: 0, max: 9 }),
  ).map(([relation, as, alias, n]) => {
    const plain = /^(only |public\.|")?(entries|others)/i.exec(relation);
    const own = plain?.[2].toLowerCase() ?? "";
    const sample = plain && n === 9 ? " tablesample system (100)" : "";
    return plain && n < 4 && !taken.includes(own)
      ? { text: relation + sample, names: [own] }
      : { text: `${relation} ${as}${alias}${sample}`, names: [alias] };
  });

const fromClause = (query: Text): fc.Arbitrary<FromItem> => {
  const single = fromItem(query);
  const joined = single.chain((left) =>
    fromItem(query, left.names).chain((right) => {
      const names = [...left.names, ...right.names];
      return weighted(
        [
          2,
          oneOf(",", "cross join").map((join) => `${left.text} ${join} ${right.text}`),
        ],
        [
          2,
          sequence(
            left.text,
            oneOf("join", "left join"),
            right.text,
            "on",
            conditionOf(names, query),
          ),
        ],
        [
          2,
          oneOf("id", "id, name").map((columns) =>
            `${left.text} join ${right.text} using (${columns})`
          ),
        ],
      ).map((text) => ({ text, names }));
    })
  );
  return fc.oneof({ weight: 3, arbitrary: single }, { weight: 2, arbitrary: joined });
};

const itemsOf = (names: Names, query: Text): Text =>
  list(
    weighted(
      [6, sequence(expressionOf(names, query), maybe(oneOf("as name", "n", "id"), 2))],
      [1, oneOf("*", "count(*)", ...names.flatMap((name) => [`${name}.*`, `to_jsonb(${name})`]))],
    ),
    3,
  );

const selectOf = (query: Text): Text =>
  fromClause(query).chain(({ text, names }) => {
    const key = oneOf("id", ...names.map((name) => `${name}.id`));
    const where = maybe(sequence("where", conditionOf(names, query)));
    const grouped = fc.tuple(
      key,
      list(weighted([3, columnOf(names)], [1, oneOf("lower(name::text)", "n")]), 2),
      fc.boolean(),
    )
      .chain(([key, others, alone]) => {
        const by = alone ? key : `${key}, ${others}`;
        return sequence(
          "select",
          weighted([3, oneOf(key, "1", `${key}, count(*)`, others)], [
            2,
            sequence(oneOf(key), ",", itemsOf(names, query)),
          ], [
            1,
            itemsOf(names, query),
          ]),
          "from",
          text,
          where,
          "group by",
          by,
          maybe(sequence("having", expressionOf(names, query), "is not null"), 1),
          maybe(
            sequence(
              "order by",
              weighted([1, oneOf("1", "count(*)", "n")], [1, expressionOf(names, query)]),
            ),
            2,
          ),
        );
      });
    const plain = sequence(
      "select",
      maybe(oneOf("distinct", "all"), 1),
      itemsOf(names, query),
      "from",
      text,
      where,
      maybe(sequence("order by", oneOf("1", "id", "name", "n")), 2),
      maybe(oneOf("limit 3", "for update", `for share of ${names[0]}`), 1),
    );
    return fc.oneof({ weight: 3, arbitrary: plain }, { weight: 2, arbitrary: grouped });
  });

/** Queries within queries, down to a depth. */
function queryAt(depth: number): Text {
  const select = selectOf(
    depth === 0
      ? oneOf("select 1 as id, 'x' as name", "table entries", "select id, name from others")
      : queryAt(depth - 1),
  );
  if (depth === 0) return select;
  const inner = queryAt(depth - 1);
  return weighted(
    [6, select],
    [
      1,
      sequence(
        oneOf("with", "with recursive"),
        oneOf("entries", "others", "w"),
        "as (",
        inner,
        ")",
        select,
      ),
    ],
    [1, sequence("(", inner, ")", oneOf("union all", "except"), "(", inner, ")")],
  );
}

const QUERY = queryAt(2);
const INNER = queryAt(0);

const target = fc.tuple(
  oneOf("entries", "public.entries", "only entries", "others"),
  oneOf("", "o", "as e", "as others"),
).map(([relation, alias]) => ({
  text: `${relation} ${alias}`,
  names: [alias === "" ? relation.replace(/^(only |public\.)/, "") : alias.replace("as ", "")],
}));

const assignmentOf = (names: Names): Text =>
  weighted(
    [3, sequence(oneOf("name", "number", "id"), "= default")],
    [
      2,
      oneOf(
        "name = 'x'",
        "(name, number) = ('y', default)",
        "(name, id) = row(default, 100)",
        "id = id + 1000",
      ),
    ],
    [2, columnOf(names).map((column) => `name = ${column}::text`)],
  );

const returningOf = (names: Names): Text => maybe(sequence("returning", itemsOf(names, INNER)), 4);

const update = target.chain(({ text, names }) =>
  fc.oneof(
    sequence(
      "update",
      text,
      "set",
      assignmentOf(names),
      maybe(sequence("where", conditionOf(names, INNER))),
      returningOf(names),
    ),
    fromItem(INNER, names).chain((from) =>
      sequence(
        "update",
        text,
        "set",
        assignmentOf(from.names),
        "from",
        from.text,
        "where",
        conditionOf([...names, ...from.names], INNER),
        returningOf(from.names),
      )
    ),
  )
);

const del = target.chain(({ text, names }) =>
  fc.oneof(
    sequence(
      "delete from",
      text,
      maybe(sequence("where", conditionOf(names, INNER))),
      returningOf(names),
    ),
    fromItem(INNER, names).chain((using) =>
      sequence(
        "delete from",
        text,
        "using",
        using.text,
        "where",
        conditionOf([...names, ...using.names], INNER),
        returningOf(using.names),
      )
    ),
  )
);

const insert = oneOf("entries", "public.entries as o", "entries as others", "others").chain(
  (into) => {
    const names = [into.split(" ").at(-1)!];
    const table = into.includes("entries") ? "entries" : "others";
    return sequence(
      "insert into",
      into,
      "(id, name)",
      weighted(
        [
          2,
          oneOf(
            "values (1, 'one')",
            "values (50, default)",
            "overriding system value values (51, 'x')",
          ),
        ],
        [
          1,
          fromItem(INNER).chain((from) =>
            sequence(
              "select 60, ",
              columnOf(from.names).map((column) => `${column}::text`),
              "from",
              from.text,
              "limit 1",
            )
          ),
        ],
      ),
      maybe(
        fc.oneof(
          oneOf(
            "on conflict do nothing",
            "on conflict (id) do nothing",
            `on conflict on constraint ${table}_pkey do nothing`,
          ),
          sequence(
            oneOf(
              "on conflict (id) do update set",
              `on conflict on constraint ${table}_pkey do update set`,
            ),
            assignmentOf(names),
            maybe(oneOf("where excluded.id > 0")),
          ),
        ),
        7,
      ),
      returningOf(names),
    );
  },
);

const merge = fromItem(INNER, ["e", "entries", "others"]).chain((using) =>
  sequence(
    "merge into",
    oneOf("entries e", "others e", "public.entries as e"),
    "using",
    using.text,
    "on",
    oneOf("true", "false", "e.id is null", `e.id = ${using.names[0]}.id`),
    oneOf(
      "when matched then do nothing",
      "when not matched then do nothing",
      "when matched then update set number = default",
      "when matched and e.ctid is null then delete",
    ),
  )
);

export const statements: Text = weighted(
  [10, QUERY],
  [3, update],
  [3, del],
  [3, insert],
  [1, merge],
  [2, sequence("with w as (", fc.oneof(update, del, insert), ")", selectOf(INNER))],
  [
    1,
    oneOf(
      "truncate entries cascade",
      "truncate others",
      "truncate only others, entries cascade",
      "table entries",
      "lock table entries",
      "explain select * from entries",
      "explain (costs off) delete from entries where ctid is null",
    ),
  ],
);
