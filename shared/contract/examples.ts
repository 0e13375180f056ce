/**
 * Examples of requests, as the OpenAPI document shows them. They are sent for real in the tests, in this
 * order, to a database with the tables `experts`, `teams` and `document_types`.
 */

export interface Example {
  endpoint: string;
  title: string;
  request: Record<string, unknown>;
}

export const EXAMPLES: Example[] = [
  {
    endpoint: "rename",
    title: "What would happen",
    request: { old_name: "experts", new_name: "expert_profiles", mode: "plan" },
  },
  {
    endpoint: "rename",
    title: "One table",
    request: { old_name: "experts", new_name: "expert_profiles", notes: "phase 2" },
  },
  {
    endpoint: "rename",
    title: "Several tables, all or none",
    request: {
      renames: [
        { schema: "public", old_name: "teams", new_name: "expert_teams" },
        { schema: "public", old_name: "document_types", new_name: "doc_types" },
      ],
      rename_indexes: true,
      lock_timeout_ms: 100,
      max_wait_ms: 10_000,
    },
  },
  { endpoint: "rollback", title: "By a table's name", request: { table: "doc_types" } },
  {
    endpoint: "rename",
    title: "A proposal",
    request: { old_name: "document_types", new_name: "doc_types", mode: "propose" },
  },
  {
    endpoint: "rollback",
    title: "What it would take to go back",
    request: { table: "expert_teams", schema: "public", mode: "plan" },
  },
  {
    endpoint: "finalize",
    title: "The end of a rename",
    request: { table: "experts", acknowledge: ["old_name_in_use"] },
  },
];
