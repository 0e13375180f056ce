/** The commands, in the order of the help. Each is loaded when it is needed, so that the others cost no time. */
import type { CommandEntry } from "./context.ts";

export const COMMANDS: CommandEntry[] = [
  {
    name: "init",
    summary: "set this repository up: project file, migrations, functions",
    load: async () => (await import("./commands/init.ts")).addInit,
  },
  {
    name: "analyze-table",
    summary: "show what depends on tables, and what a rename would do to it",
    load: async () => (await import("./commands/analyze_table.ts")).addAnalyzeTable,
  },
  {
    name: "rename-table",
    summary: "give tables new names, and keep the old ones usable",
    load: async () => (await import("./commands/rename_table.ts")).addRenameTable,
  },
  {
    name: "rollback-rename",
    summary: "roll renames back, to exactly the state before",
    load: async () => (await import("./commands/rollback_rename.ts")).addRollbackRename,
  },
  {
    name: "undo",
    summary: "take the last batch back, after showing it",
    load: async () => (await import("./commands/undo.ts")).addUndo,
  },
  {
    name: "finalize-rename",
    summary: "end renames: drop the old names",
    load: async () => (await import("./commands/finalize_rename.ts")).addFinalizeRename,
  },
  {
    name: "refresh-view",
    summary: "make compatibility views again, after their tables changed",
    load: async () => (await import("./commands/refresh_view.ts")).addRefreshView,
  },
  {
    name: "test-view-compatibility",
    summary: "test whether an old name still does what its table does",
    load: async () =>
      (await import("./commands/test_view_compatibility.ts")).addTestViewCompatibility,
  },
  {
    name: "status",
    summary: "show how far the renames are, and what to do next",
    load: async () => (await import("./commands/status.ts")).addStatus,
  },
  {
    name: "list-migrations",
    summary: "list the tracked renames, newest first",
    load: async () => (await import("./commands/list_migrations.ts")).addListMigrations,
  },
  {
    name: "list-events",
    summary: "list what was requested, by whom, and what came of it",
    load: async () => (await import("./commands/list_events.ts")).addListEvents,
  },
  {
    name: "generate-types",
    summary: "write TypeScript types in which old and new names compile",
    load: async () => (await import("./commands/generate_types.ts")).addGenerateTypes,
  },
  {
    name: "find-uses",
    summary: "list or change the old names in source",
    load: async () => (await import("./commands/find_uses.ts")).addFindUses,
  },
  {
    name: "migrate",
    summary: "make the tracking tables in a database",
    load: async () => (await import("./commands/migrate.ts")).addMigrate,
  },
  {
    name: "serve",
    summary: "run the functions and the page on this machine, before a database",
    load: async () => (await import("./commands/serve.ts")).addServe,
  },
  {
    name: "console",
    summary: "show the renames of a project as a page",
    load: async () => (await import("./commands/console.ts")).addConsole,
  },
  {
    name: "completion",
    summary: "print a script that completes command lines in bash, zsh or fish",
    project: false,
    load: async () => (await import("./commands/completion.ts")).addCompletion(COMMANDS),
  },
];
