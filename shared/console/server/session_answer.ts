/** In each call of the page: which project it shows, as its `index.html` says. */
export const PROJECT_HEADER = "x-console-project";

/** What the page gets to know of where it is: `GET /api/session`. */
export interface SessionAnswer {
  /** The project's name, as the page shows it. */
  project: string;
  url: string;
  /** Whether the server refuses every change. */
  readOnly: boolean;
  /** Whether there is a project file with phases. */
  hasPhases: boolean;
}
