import { Box, Text } from "ink";
import { type ChromeState, type PromptRow, promptParts, statusRow, tabsRow, titleRow } from "./chrome-text.ts";
import { HELP_KEYS_WIDTH, HELP_WIDTH, type HelpLine, type HelpPage } from "./help.ts";

/**
 * Everything around the text: the first row is the title, the last one the status or the prompt, and what is between them lies over the text.
 * Only attributes, no colours: it is readable on dark and on light terminals, and with NO_COLOR.
 */
export function Chrome({ state }: { state: ChromeState }) {
  return (
    <Box flexDirection="column" width={state.columns}>
      {state.tabs && <Tabs state={state} />}
      <Title state={state} />
      {state.help && <Help help={state.help} />}
      {state.prompt ? <Prompt prompt={state.prompt} columns={state.columns} /> : <Status state={state} />}
    </Box>
  );
}

function Tabs({ state }: { state: ChromeState }) {
  return (
    <Text wrap="truncate">
      {tabsRow(state).map(({ text, isShown }) => (
        <Text key={text} bold={isShown} underline={isShown}>
          {text}
        </Text>
      ))}
    </Text>
  );
}

function Title({ state }: { state: ChromeState }) {
  const { left, right } = titleRow(state);
  return (
    <Text inverse wrap="truncate">
      <Text bold>{left}</Text>
      {right}
    </Text>
  );
}

function Status({ state }: { state: ChromeState }) {
  const { mark, left, right } = statusRow(state);
  return (
    <Text inverse wrap="truncate">
      <Text bold>{mark}</Text>
      {left}
      {right}
    </Text>
  );
}

function Prompt({ prompt, columns }: { prompt: PromptRow; columns: number }) {
  const { label, before, under, after, hint } = promptParts(prompt, columns);
  return (
    <Text wrap="truncate">
      <Text bold>{label}</Text>
      {before}
      <Text inverse>{under}</Text>
      {after}
      {hint !== "" && <Text dimColor>{hint}</Text>}
    </Text>
  );
}

function Help({ help }: { help: HelpPage }) {
  return (
    <Box flexDirection="column" borderStyle="round" alignSelf="flex-start" paddingX={1}>
      <Box>
        {help.columns.map((lines) => (
          <Box key={lines[0]?.text} flexDirection="column" width={HELP_WIDTH}>
            {lines.map((line) => (
              <Line key={line.keys + line.text} line={line} />
            ))}
          </Box>
        ))}
      </Box>
      {help.pages > 1 && <Text dimColor>{`page ${help.page + 1} of ${help.pages}: Space and b turn it`}</Text>}
    </Box>
  );
}

function Line({ line }: { line: HelpLine }) {
  if (line.keys === "") return <Text underline>{line.text}</Text>;
  return (
    <Box>
      <Box width={HELP_KEYS_WIDTH}>
        <Text bold wrap="truncate">
          {line.keys}
        </Text>
      </Box>
      <Text wrap="truncate">{line.text}</Text>
    </Box>
  );
}
