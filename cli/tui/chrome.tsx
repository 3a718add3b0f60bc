import { Box, Text } from "ink";
import { type ChromeFacts, promptParts, statusRow, titleRow } from "./chrome-text.ts";
import { KEYMAP, keyLabel } from "./keymap.ts";

/**
 * Everything around the text: the first row is the title, the last one the status or the prompt, and what is between them lies over the text.
 * Only attributes, no colours: it is readable on dark and on light terminals, and with NO_COLOR.
 */
export function Chrome({ facts }: { facts: ChromeFacts }) {
  return (
    <Box flexDirection="column" width={facts.columns}>
      <Title facts={facts} />
      {facts.help && <Help />}
      {facts.prompt ? <Prompt prompt={facts.prompt} columns={facts.columns} /> : <Status facts={facts} />}
    </Box>
  );
}

function Title({ facts }: { facts: ChromeFacts }) {
  const { left, right } = titleRow(facts);
  return (
    <Text inverse wrap="truncate">
      <Text bold>{left}</Text>
      {right}
    </Text>
  );
}

function Status({ facts }: { facts: ChromeFacts }) {
  const { mark, left, right } = statusRow(facts);
  return (
    <Text inverse wrap="truncate">
      <Text bold>{mark}</Text>
      {left}
      {right}
    </Text>
  );
}

function Prompt({ prompt, columns }: { prompt: NonNullable<ChromeFacts["prompt"]>; columns: number }) {
  const { before, under, after } = promptParts(prompt, columns);
  return (
    <Text wrap="truncate">
      <Text bold>/</Text>
      {before}
      <Text inverse>{under}</Text>
      {after}
    </Text>
  );
}

function Help() {
  return (
    <Box flexDirection="column" borderStyle="round" alignSelf="flex-start" paddingX={1}>
      {KEYMAP.map(({ action, keys, help }) => (
        <Box key={action}>
          <Box width={18}>
            <Text bold>{keys.slice(0, 3).map(keyLabel).join(" ")}</Text>
          </Box>
          <Text>{help}</Text>
        </Box>
      ))}
    </Box>
  );
}
