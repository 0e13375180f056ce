/** What is found in SQL, and changed there, as PostgreSQL's own parser sees it. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import fc from "fast-check";
import { join } from "node:path";
import { edited } from "../../../shared/source/edits.ts";
import { usesIn } from "../../../shared/source/find_uses.ts";
import { withoutPsql } from "../../../shared/source/sql_text.ts";
import { WantedNames, type WantedRename } from "../../../shared/source/uses.ts";
import { statements } from "../../support/generated/generated_statements.ts";
import { ROOT_FOLDER } from "../../support/documents/module_graph.ts";
import {
  comparable,
  queriesInPlpgsql,
  relationsIn,
  treeOf,
} from "../../support/catalog/parse_tree.ts";

const RENAMES: WantedRename[] = [{ schema: "public", from: "entries", to: "entry_rows" }];
const wanted = new WantedNames(RENAMES);
const reversed = new WantedNames([{ schema: "public", from: "entry_rows", to: "entries" }]);

const usesOf = (text: string, names = wanted) =>
  usesIn({ path: "a.sql", text }, { wanted: names, parser: null });

Deno.test("of arbitrary statements every relation is found, and nothing but its name is changed", () => {
  let [changed, sameBytes] = [0, 0];
  fc.assert(
    fc.property(statements, (text) => {
      const relations = relationsIn(text);
      if (relations === null) return;
      const uses = usesOf(text);
      const named = relations.filter(({ schema, name }) =>
        name === "entries" && (schema === null || schema === "public")
      );
      for (const { at, schema } of named) {
        const place = at + (schema === null ? 0 : schema.length + 1);
        assert(uses.some(({ offset }) => offset === place), `not found at ${at}: ${text}`);
      }
      const after = edited(text, uses);
      if (after === text) return;
      changed++;
      const tree = treeOf(after);
      assert(tree !== null, `no SQL any more: ${after}`);
      const before = comparable(treeOf(text)!, "entries", "entries");
      assertEquals(comparable(tree, "entry_rows", "entries"), before, after);
      // An alias that is the old name keeps it from going back.
      const back = usesOf(after, reversed);
      if (![...uses, ...back].every(({ replacement }) => replacement !== null)) return;
      // This alias cannot be distinguished from one that was written here.
      if (/("?)\bentries\1 as ("?)entries\b/i.test(text)) return;
      // The server does not distinguish capitals.
      assertEquals(edited(after, back), text.replaceAll(/\bentries\b/gi, "entries"));
      sameBytes++;
    }),
    { numRuns: 400 },
  );
  assertGreater(changed, 100);
  assertGreater(sameBytes, 60);
});

/** Files that are psql's rather than the server's, or made to be wrong. */
async function sqlFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT_FOLDER, folder))) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await sqlFiles(path));
    else if (name.endsWith(".sql")) found.push(path);
  }
  return found.sort();
}

interface Created {
  schema: string;
  name: string;
}

/** All tables that the texts create, with the schema that unqualified ones get. */
function tablesIn(text: string): Created[] {
  const created = text.matchAll(
    /\bcreate (?:unlogged )?table (?:if not exists )?(?:(\w+)\.)?("[^"]+"|\w+)/gi,
  );
  return [...created].map(([, schema = "public", name]) => ({
    schema,
    name: name.replace(/^"(.*)"$/, "$1"),
  }));
}

Deno.test("in all SQL of this repository every relation that the server's parser sees is found", async () => {
  const folders = ["tests/corpus", "supabase/migrations", "shared/local/sql", "tests/types/app"];
  const files = (await Promise.all(folders.map(sqlFiles))).flat();
  assertGreater(files.length, 8);
  let [compared, inBodies] = [0, 0];
  for (const file of files) {
    const text = withoutPsql(await Deno.readTextFile(join(ROOT_FOLDER, file)));
    const relations = relationsIn(text);
    if (relations === null) continue;
    const tables = tablesIn(text);
    const renames = new Map(tables.map(({ schema, name }) => [
      `${schema}.${name}`,
      { schema, from: name, to: `${name}_renamed` },
    ]));
    const uses = usesOf(text, new WantedNames([...renames.values()]));
    for (const { schema, name, at } of relations) {
      if (!renames.has(`${schema ?? "public"}.${name}`)) continue;
      compared++;
      const found = uses.some(({ offset, length, renamed }) =>
        renamed.from === name && offset >= at && offset + length <= at + 130
      );
      assert(found, `${file}: ${text.slice(at, at + 60)}`);
    }
    for (const body of bodiesIn(text)) {
      const queries = queriesInPlpgsql(body.definition);
      for (const query of queries ?? []) {
        for (const { schema, name } of relationsIn(query) ?? []) {
          if (schema === null || !renames.has(`${schema}.${name}`)) continue;
          inBodies++;
          const found = uses.some(({ offset, renamed }) =>
            renamed.from === name && offset > body.start && offset < body.end
          );
          assert(found, `${file}: ${query}`);
        }
      }
    }
  }
  assertGreater(compared, 100);
  assertGreater(inBodies, 5);
});

/** The functions of PL/pgSQL that a text creates. */
function bodiesIn(text: string): { definition: string; start: number; end: number }[] {
  const functions = text.matchAll(
    /create (?:or replace )?function [^;]*?\$(\w*)\$[^]*?\$\1\$[^;]*;/gi,
  );
  return [...functions].filter(([definition]) => /plpgsql/i.test(definition))
    .map(({ 0: definition, index }) => ({
      ...{ definition, start: index, end: index + definition.length },
    }));
}
