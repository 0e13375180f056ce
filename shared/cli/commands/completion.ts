/** `completion`: a script for a shell, in which commands and options are completed. */
import { Argument, Command } from "commander";
import { PROGRAM } from "../arguments/command_line.ts";
import type { CommandContext, CommandEntry } from "../context.ts";

const EXAMPLES = `Examples:
  ${PROGRAM} completion bash > ~/.local/share/bash-completion/completions/table-rename
  ${PROGRAM} completion zsh > ~/.zsh/completions/_table-rename    # a folder of $fpath
  ${PROGRAM} completion fish > ~/.config/fish/completions/table-rename.fish
`;

const ABOUT =
  "Prints a script that completes the command's line. It is for the command table-rename itself, such as that of " +
  "npm install --global; shells do not complete what stands behind npx.";

interface Completed {
  name: string;
  summary: string;
  options: { long: string; description: string; choices: readonly string[]; takesValue: boolean }[];
}

export const addCompletion =
  (commands: CommandEntry[]) => (program: Command, context: CommandContext): void => {
    program.command("completion").description(ABOUT)
      .addArgument(new Argument("<shell>").choices(Object.keys(SCRIPTS)))
      .addHelpText("before", EXAMPLES)
      .action(async (shell: keyof typeof SCRIPTS) => {
        context.terminal.out.write(SCRIPTS[shell](await allCommands(commands, context)).trimEnd());
      });
  };

async function allCommands(
  commands: CommandEntry[],
  context: CommandContext,
): Promise<Completed[]> {
  return await Promise.all(commands.map(async ({ name, summary, load }) => {
    const program = new Command();
    if (name !== "completion") (await load())(program, context);
    const options = program.commands[0]?.options ?? [];
    return {
      name,
      summary,
      options: options.map(({ long, description, argChoices = [], required, optional }) => ({
        long: long!,
        description,
        choices: argChoices,
        takesValue: required || optional,
      })),
    };
  }));
}

const SCRIPTS = { bash, zsh, fish };

function bash(commands: Completed[]): string {
  const cases = commands.flatMap(({ name, options }) => [
    ...options.filter(({ choices }) => choices.length > 0)
      .map(({ long, choices }) => `    ${name}:${long}) words="${choices.join(" ")}" ;;`),
    // The word is a value, for which the shell completes names of files.
    ...options.filter(({ choices, takesValue }) => takesValue && choices.length === 0)
      .map(({ long }) => `    ${name}:${long}) return ;;`),
    `    ${name}:*) words="${[...options.map(({ long }) => long), "--help"].join(" ")}" ;;`,
  ]);
  return `_table_rename() {
  local words
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${commands.map(({ name }) => name).join(" ")} help --help --version"
  else
    case "\${COMP_WORDS[1]}:\${COMP_WORDS[COMP_CWORD - 1]}" in
${cases.join("\n")}
    help:*) words="${commands.map(({ name }) => name).join(" ")} environment exit-codes" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _table_rename table-rename
`;
}

function zsh(commands: Completed[]): string {
  const plain = (text: string) => text.replace(/[[\]:'\\]/g, " ");
  const optionsOf = ({ options }: Completed) =>
    options.map(({ long, description, choices, takesValue }) => {
      const values = choices.length > 0 ? `(${choices.join(" ")})` : "_files";
      return `'${long}[${plain(description)}]${takesValue ? `:value:${values}` : ""}'`;
    });
  return `#compdef table-rename
_table_rename() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    '${name}:${plain(summary)}'`).join("\n")}
    'help:show the help of a command'
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${
    commands.map((command) =>
      `  ${command.name}) _arguments -S ${
        [...optionsOf(command), "'*:name:_files'"].join(" \\\n    ")
      } ;;`
    ).join("\n")
  }
  help) _describe command commands ;;
  esac
}
_table_rename "$@"
`;
}

function fish(commands: Completed[]): string {
  const quoted = (text: string) => `'${text.replace(/['\\]/g, "\\$&")}'`;
  const first = "__fish_use_subcommand";
  return [
    ...commands.map(({ name, summary }) =>
      `complete -c table-rename -n ${first} -f -a ${name} -d ${quoted(summary)}`
    ),
    `complete -c table-rename -n ${first} -f -a help -d 'show the help of a command'`,
    ...commands.flatMap(({ name, options }) =>
      options.map(({ long, description, choices, takesValue }) =>
        [
          `complete -c table-rename -n '__fish_seen_subcommand_from ${name}'`,
          `-l ${long.slice(2)} -d ${quoted(description)}`,
          ...(choices.length > 0
            ? [`-x -a ${quoted(choices.join(" "))}`]
            : takesValue
            ? ["-r"]
            : []),
        ].join(" ")
      )
    ),
  ].join("\n");
}
