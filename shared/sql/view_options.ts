/**
 * Options of views, read as PostgreSQL reads them. It stores a boolean as it was written (`security_invoker=t`,
 * `=ON`, `=1`), and takes for true any beginning of "true" and "yes", "on" and "1", in either case (manual, 20.1).
 */

/** Whether the view with these options (`pg_class.reloptions`) runs with its caller's rights. */
export const runsAsInvoker = ({ options }: { options: string[] }): boolean =>
  options.some((option) => /^security_invoker=(t(r(ue?)?)?|y(es?)?|on|1)$/i.test(option));

/** The same as an SQL expression: the server reads the value by itself. */
export const invokerOption = (reloptions: string): string =>
  `coalesce((
      select pg_catalog.bool_or(o.option_value::boolean)
      from pg_catalog.pg_options_to_table(${reloptions}) o
      where o.option_name = 'security_invoker'), false)`;

/** Options as they mean the same: booleans in one spelling. */
export const comparableOptions = (options: string[]): string[] =>
  options.map((option) => {
    if (!/^security_(invoker|barrier)=/i.test(option)) return option;
    const [name, value] = option.split("=");
    return `${name}=${/^(t(r(ue?)?)?|y(es?)?|on|1)$/i.test(value)}`;
  }).filter((option) => option !== "security_invoker=false" && option !== "security_barrier=false");
