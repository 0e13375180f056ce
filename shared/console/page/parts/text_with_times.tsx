import { visible } from "../../../report/document/text.ts";
import { Time } from "./time.tsx";

const MOMENT = /(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))/;

/** A text of the project: what is invisible in it is written out, and times are shown as elsewhere on the page. */
export const TextWithTimes = ({ text }: { text: string }) => (
  <>
    {visible(text).split(MOMENT).map((part, index) =>
      index % 2 === 1 && !Number.isNaN(Date.parse(part)) ? <Time key={index} at={part} /> : part
    )}
  </>
);
