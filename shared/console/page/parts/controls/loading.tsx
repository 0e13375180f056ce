/** @param what What is on its way, such as "the tables". */
export const Loading = ({ what }: { what: string }) => (
  <p className="loading" role="status">Loading {what}…</p>
);
