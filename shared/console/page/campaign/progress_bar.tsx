import { PART_WORDS, type Progress } from "./progress.ts";

/** How many tables of each part, as a bar and in words. */
export function ProgressBar({ progress: { counts } }: { progress: Progress }) {
  return (
    <div className="progress">
      <div className="progress-bar" aria-hidden="true">
        {counts.map(({ part, count }) => (
          <span key={part} data-part={part} style={{ flexGrow: count }} />
        ))}
      </div>
      <ul className="progress-words">
        {counts.map(({ part, count }) => (
          <li key={part}>
            <span className="progress-mark" data-part={part} aria-hidden="true" />
            {count} {PART_WORDS[part]}
          </li>
        ))}
      </ul>
    </div>
  );
}
