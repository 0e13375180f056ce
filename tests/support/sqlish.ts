/** Arbitrary texts that look like SQL here and there. */
import fc from "fast-check";

/** Texts that are made of what SQL is made of, so that tokens begin, nest and end in odd places. */
export const sqlish = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(
    fc.oneof(
      fc.constantFrom(
        ..."' '' \" $$ $a$ $1 /* */ -- \n E' U&' U&\" \\ ( ) [ ] ; , . :: := % || old public.old \"Old\""
          .split(" "),
        ..."select from join update insert into set where group by with as on conflict execute format begin end"
          .split(" "),
        " ",
        "\n",
      ),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 60 },
  ).map((parts) => parts.join("")),
);
