import { Time } from "./time.tsx";

const MOMENT = /(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))/;

/** A text of the project in which times are shown as elsewhere on the page. */
export const TextWithTimes = ({ text }: { text: string }) => (
  <>
    {text.split(MOMENT).map((part, index) =>
      index % 2 === 1 && !Number.isNaN(Date.parse(part)) ? <Time key={index} at={part} /> : part
    )}
  </>
);
