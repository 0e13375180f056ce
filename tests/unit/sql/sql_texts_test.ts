/** How SQL is built: names and values become SQL in one module, and SQL is sent from one. */
import { join } from "node:path";
import { assertEquals, assertGreater } from "@std/assert";
import { moduleGraph, reachableFrom, ROOT_FOLDER } from "../../support/documents/module_graph.ts";
import {
  type TemplateLiteral,
  templateLiterals,
} from "../../support/documents/template_literals.ts";

const QUOTING = "shared/sql/quoting.ts";
const SENDING = "shared/postgres/connection/connection.ts";

/** Constants of ours that stand between quotes in SQL; nothing of a caller is among them. */
const CONSTANTS_IN_QUOTES = new Set([
  "FACTS_MOVED",
  // A catalog's name in shared/catalog/objects/attached_objects.ts.
  "catalog",
  "MOMENT[moment]",
  "Math.max(NO_WAIT_MS, Math.floor(ms))",
]);

/** Fields in texts that look like SQL and are none: keys of fingerprints, a label. */
const IN_OTHER_TEXTS = new Set(["column.name", "right.grantor", "set.role"]);

/** What a statement, or a part of one, begins with; messages begin with capitals. */
const WORDS =
  "alter|begin|comment|commit|create|declare|do|drop|execute|explain|grant|insert|lock|notify|only|perform|" +
  "revoke|rollback|select|set|update|delete|when|where|with|m\\.|from|array|coalesce|values|join|and|or|union";
const SQL = new RegExp(`^\\s*(${WORDS})\\b`);

/** The same after something else: at the beginning of a line, of a part in parentheses, of a statement. */
const SQL_WITHIN = new RegExp(`(^|[\\n(;])\\s*(${WORDS})\\s`);

const isSql = ({ texts }: Pick<TemplateLiteral, "texts">): boolean =>
  SQL.test(texts[0]) ||
  texts.some((text, index) =>
    SQL_WITHIN.test(index === 0 ? text.replace(/^/, "x") : text) && !/^[A-Z]/.test(texts[0])
  );

async function deployedModules(): Promise<{ path: string; source: string }[]> {
  const graph = await moduleGraph(["functions", "shared"]);
  const entries = graph.map(({ from }) => from).filter((path) => path.startsWith("functions/"));
  const paths = new Set([...new Set(entries)].flatMap((entry) => [...reachableFrom(entry, graph)]));
  return await Promise.all([...paths].map(async (path) => ({
    path,
    source: await Deno.readTextFile(join(ROOT_FOLDER, path)),
  })));
}

/** Expressions that a template of SQL puts between quotes of its own, of whatever kind. */
function quotedByHand(template: TemplateLiteral): string[] {
  const { texts, expressions } = template;
  if (!isSql(template)) return [];
  return expressions.filter((expression, index) => {
    const before = texts.slice(0, index + 1).join("?").replace(/^\s*--.*$/gm, "");
    const open = before.replace(/(\$\w*\$)[^]*?\1|'[^']*'|"[^"]*"/g, "");
    return /["']|\$\w*\$/.test(open) && !CONSTANTS_IN_QUOTES.has(expression);
  });
}

/** A field that holds a name or a text as it is: of facts, of a request, of a record. */
const RAW_FIELD =
  /(?:^|\.)(?:schema|name|schema_name|table_name|old_name|new_name|owner|grantor|grantee|comment|notes|actor|key|id|batch_id|role)!?$/;

/** Such fields that a template of SQL takes as they are. */
function unquotedFields(template: TemplateLiteral): string[] {
  if (!isSql(template)) return [];
  return template.expressions.filter((expression) =>
    /^[\w.!?[\]]+$/.test(expression) && expression.includes(".") && RAW_FIELD.test(expression) &&
    !IN_OTHER_TEXTS.has(expression)
  );
}

/** SQL in a plain string that something is joined to. */
function joinedStrings(source: string): string[] {
  const join = new RegExp(
    `"(?:${WORDS})\\s[^"\\n]*"\\s*\\+\\s*[a-zA-Z_][\\w.]*(?!\\w*\\s*\\()`,
    "g",
  );
  const concat = new RegExp(
    `"(?:${WORDS})\\s[^"\\n]*"\\s*\\.\\s*(concat|replace(All)?)\\s*\\(`,
    "g",
  );
  return [...source.matchAll(join), ...source.matchAll(concat)].map(([text]) => text);
}

Deno.test("names and values become SQL in shared/sql/quoting.ts only", async () => {
  const found: string[] = [];
  let templates = 0;
  for (const { path, source } of await deployedModules()) {
    if (path === QUOTING) continue;
    for (const template of templateLiterals(source)) {
      if (isSql(template)) templates++;
      for (const expression of [...quotedByHand(template), ...unquotedFields(template)]) {
        found.push(`${path}:${template.line}: ${expression}`);
      }
    }
    for (const text of joinedStrings(source)) found.push(`${path}: ${text}`);
    // Doubling quotes is quoting, too.
    for (const [text] of source.matchAll(/replace(All)?\(\s*(["'`/])\\?["'].*/g)) {
      found.push(`${path}: ${text}`);
    }
  }
  assertEquals(found, []);
  assertGreater(templates, 300);
});

Deno.test("SQL is sent, and the client for it is loaded, in shared/postgres/connection/connection.ts only", async () => {
  const found: string[] = [];
  for (const { path, source } of await deployedModules()) {
    if (path === SENDING) continue;
    for (
      const [text] of source.matchAll(/\.unsafe\s*\(|(?<![`\w])sql`(?!,|;| |\))|from "postgres"/g)
    ) {
      found.push(`${path}: ${text}`);
    }
  }
  assertEquals(found, []);
});

Deno.test("quoting by hand, and names that are not quoted at all, are found", () => {
  const byHand = (source: string) => templateLiterals(source).flatMap(quotedByHand);
  assertEquals(byHand('const a = `drop table "${name}"`;'), ["name"]);
  assertEquals(byHand("`select 'a', 'b.${name}'`"), ["name"]);
  assertEquals(byHand("`select ${f(`where x = '${value}' and ${ok}`)}`"), ["value"]);
  assertEquals(byHand("x ? { a: `comment on table x is $$${text}$$` } : 1"), ["text"]);
  assertEquals(byHand("`${head}\nwhere x = '${value}'`"), ["value"]);
  assertEquals(byHand("`(select '${value}')`"), ["value"]);
  assertEquals(byHand('`There is no "${name}".` + "`" // `drop "${x}"`'), []);
  assertEquals(byHand("`alter table ${qualified(a, b)} rename to ${ident(c)}`"), []);
  const fields = (source: string) => templateLiterals(source).flatMap(unquotedFields);
  assertEquals(fields("`alter table ${table.schema}.${x} rename to ${rename.new_name}`"), [
    "table.schema",
    "rename.new_name",
  ]);
  assertEquals(fields("`set local role ${change.grantor!}`"), ["change.grantor!"]);
  assertEquals(fields("`alter table ${ident(table.name)} rename to ${literal(a.new_name)}`"), []);
  assertEquals(fields("`There is no ${table.name}.`"), []);
  assertEquals(joinedStrings('const a = "drop table " + name;'), ['"drop table " + name']);
  assertEquals(joinedStrings('const a = "select x".concat(name);'), ['"select x".concat(']);
  assertEquals(joinedStrings('const a = "No table " + name;'), []);
});
