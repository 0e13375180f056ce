/** Options and query of a view, as the catalog stores them. */
import { literal } from "./quoting.ts";

/**
 * Any beginning of "true" and "yes", "on" and "1", in either case (manual, 20.1). The catalog keeps a boolean
 * option as it was written: `security_invoker=t`, `=ON`, `=1`.
 */
const isTrue = (value: string): boolean => /^(t(r(ue?)?)?|y(es?)?|on|1)$/i.test(value);

/** Whether the view with these options (`pg_class.reloptions`) runs with its caller's rights. */
export const runsAsInvoker = ({ options }: { options: string[] }): boolean =>
  comparableOptions(options).includes("security_invoker=true");

/** The same as an SQL expression: the server reads the value itself. */
export const invokerOption = (reloptions: string): string =>
  `coalesce((
      select pg_catalog.bool_or(o.option_value::boolean)
      from pg_catalog.pg_options_to_table(${reloptions}) o
      where o.option_name = 'security_invoker'), false)`;

/** The options with one spelling for each meaning: booleans as `true`, and none that is false. */
export const comparableOptions = (options: string[]): string[] =>
  options.map((option) => {
    if (!/^security_(invoker|barrier)=/i.test(option)) return option;
    const [name, value] = option.split("=");
    return `${name}=${isTrue(value)}`;
  }).filter((option) => option !== "security_invoker=false" && option !== "security_barrier=false");

/** Where in the text a part was. */
const PLACES = String.raw` :(\w*location|stmt_len) -?\d+`;

/** Such places as nearly all views have them since 17: to replace a text takes a tenth of the time of a pattern. */
const USUAL_PLACES = [" :location -1", " :stmt_location -1", " :stmt_len -1", " :stmt_len 0"];

/** How a relation was called that the query gives no other name: that is what stands before, and then its name. */
const BEFORE_NAME = " :alias <> :eref {ALIAS :aliasname";
const NAME = String.raw`^(\\.|[^ \\])+`;

/**
 * Digest of the query of the view `oid`, an SQL expression, as the server has parsed it. It knows relations by their
 * OIDs, so the digest stays the same when one is renamed, and is another one in another database.
 *
 * @param names Whether the names that the relations had when the view was made are part of it, as they were for
 *   earlier versions. Default: they are not, since a view can be made before its table is renamed.
 */
export function viewQueryDigest(oid: string, { names = false }: { names?: boolean } = {}): string {
  const short = USUAL_PLACES.reduce(
    (text, place) => `pg_catalog.replace(${text}, ${literal(place)}, '')`,
    "rw.ev_action::text",
  );
  const digested = names ? "p.query" : `(
        select pg_catalog.string_agg(
          case when n.ordinality = 1 then n.part else pg_catalog.regexp_replace(n.part, ${
    literal(NAME)
  }, '') end,
          ${literal(BEFORE_NAME)} order by n.ordinality)
        from pg_catalog.unnest(pg_catalog.string_to_array(p.query, ${literal(`${BEFORE_NAME} `)}))
          with ordinality n(part, ordinality))`;
  return `(
    select pg_catalog.md5(${digested})
    from pg_catalog.pg_rewrite rw
    cross join lateral (select ${short} as query offset 0) s
    cross join lateral (
      select case
        when pg_catalog.strpos(s.query, 'location ') = 0 and pg_catalog.strpos(s.query, ' :stmt_len ') = 0
          then s.query
        else pg_catalog.regexp_replace(s.query, ${
    literal(PLACES)
  }, '', 'g') end as query offset 0) p
    where rw.ev_class = ${oid} and rw.rulename = '_RETURN')`;
}
