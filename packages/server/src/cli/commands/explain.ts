/** `pawl explain ID`: who, when, which generation, why, and what to do next. */

import type { Command } from 'commander'
import { explain, type Explained, explainedJson } from '../../admin/explain.ts'
import { isoInstant } from '../../domain/time.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { type Paint, painter, table, wrap } from '../style.ts'
import { plain, print, printJson, type World } from '../world.ts'

const columnsMax = 100

export function addExplainCommand(program: Command, world: World): void {
  storeCommand(program, 'explain', 'say why: for a Pawl-Request-Id, a family or an event')
    .argument('<id>', 'req_…, or the id of a family or an event')
    .action(async (id: string, flags: StoreOptions) => {
      const explained = await withWorkbench(world, flags, workbench => explain(workbench, id))
      if (flags.json) return printJson(world, explainedJson(explained))
      print(world, explainedWords(explained, painter(world, world.stdout)))
    })
}

export function explainedWords(explained: Explained, paint: Paint): string {
  const { explanation, events, email } = explained
  const sentences = explanation.sentences.map(sentence => wrap(plain(sentence), columnsMax))
  const whose = email === null ? [] : [`The user is ${plain(email)}.`]
  const steps = explanation.nextSteps.map(({ reader, sentence }) => {
    return wrap(`${paint('cyan', reader)}: ${plain(sentence)}`, columnsMax, '  ')
  })
  const log = events.length === 0 ? [] : ['', paint('dim', 'On record'), eventsTable(explained)]
  const next = steps.length === 0 ? [] : ['', ...steps]
  return [paint('bold', plain(explanation.title)), ...sentences, ...whose, ...next, ...log].join('\n')
}

function eventsTable(explained: Explained): string {
  const rows = explained.events.map(event => [
    isoInstant(event.atMs),
    event.kind,
    String(event.detail['generation'] ?? ''),
    event.count === 1 ? '' : `${event.count} times`,
    String(event.detail['address'] ?? ''),
    event.requestId ?? '',
  ])
  return table(['AT', 'EVENT', 'GENERATION', '', 'ADDRESS', 'REQUEST'], rows)
}
