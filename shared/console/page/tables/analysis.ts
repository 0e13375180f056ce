/// <reference lib="dom" />
/**
 * What depends on the tables that are looked at. To ask for all tables of a large database takes long, so only those on
 * the screen are asked for, some at a time; what is known stays known until something is changed.
 */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { AnalyzedTable } from "../../../contract/responses.ts";
import { client } from "../api/client.ts";
import { keyOf } from "./rows.ts";

/** Most tables of one request: their names are in its URL. */
const AT_ONCE = 50;

/** How long the screen has to stand still, in milliseconds. */
const STILL_MS = 120;

interface TableName {
  schema: string;
  table: string;
}

const queryKey = ({ schema, table }: TableName) => ["analysis", schema, table];

const known = (queries: QueryClient, table: TableName): AnalyzedTable | undefined =>
  queries.getQueryData(queryKey(table));

/** Asks for tables that are not known yet. */
async function load(
  queries: QueryClient,
  tables: TableName[],
  signal: AbortSignal,
  loaded: () => void,
) {
  const unknown = tables.filter((table) => known(queries, table) === undefined);
  for (const [schema, ofSchema] of Map.groupBy(unknown, ({ schema }) => schema)) {
    for (let start = 0; start < ofSchema.length && !signal.aborted; start += AT_ONCE) {
      const names = ofSchema.slice(start, start + AT_ONCE).map(({ table }) => table);
      const { tables: found } = await client.analyze({ schema: [schema], table: names });
      for (const one of found) queries.setQueryData(queryKey(one), one);
      loaded();
    }
  }
}

/** @param visible The tables on the screen. */
export function useAnalyses(visible: TableName[]) {
  const queries = useQueryClient();
  const [, drawAgain] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const [checking, setChecking] = useState<{ done: number; total: number } | null>(null);
  const abort = useRef(new AbortController());
  useEffect(() => {
    abort.current = new AbortController();
    return () => abort.current.abort();
  }, []);
  const names = visible.map(({ schema, table }) => keyOf(schema, table)).join();
  const latest = useRef(visible);
  latest.current = visible;
  useEffect(() => {
    const timer = setTimeout(() => {
      load(queries, latest.current, abort.current.signal, () => drawAgain((count) => count + 1))
        .then(() => setError(null), setError);
    }, STILL_MS);
    return () => clearTimeout(timer);
  }, [names, queries]);
  const checkAll = useCallback(async (tables: TableName[]) => {
    const count = () => tables.filter((table) => known(queries, table) !== undefined).length;
    const report = () => setChecking({ done: count(), total: tables.length });
    report();
    try {
      await load(queries, tables, abort.current.signal, report);
      setError(null);
    } catch (error) {
      setError(error);
    } finally {
      setChecking(null);
    }
  }, [queries]);
  return useMemo(
    () => ({ of: (table: TableName) => known(queries, table), error, checkAll, checking }),
    [queries, error, checkAll, checking],
  );
}
