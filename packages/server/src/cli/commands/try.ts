/** `pawl try`: plays the whole story against a running `pawl dev`. */

import type { Command } from 'commander'
import { explain, explainedJson, type Explained } from '../../admin/explain.ts'
import { readSettings } from '../../config/read-config.ts'
import { exitCodes, type Outcome, ServerUnreachable, UsageRefused } from '../exit-codes.ts'
import { type DevReady, readReadyFile } from '../samples.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { painter } from '../style.ts'
import { play } from '../try/story.ts'
import { PromiseBroken, type Teller, teller } from '../try/teller.ts'
import { print, printJson, type World } from '../world.ts'
import { explainedWords } from './explain.ts'

interface TryFlags extends StoreOptions {
  readonly issuer?: string
}

export function addTryCommand(program: Command, world: World, outcome: Outcome): void {
  storeCommand(program, 'try', 'play the whole story against pawl dev: rotate, repeat, steal, caught')
    .option('--issuer <url>', 'the server, where it is not the one pawl dev wrote down')
    .action(async (flags: TryFlags) => {
      const ready = findServer(world, flags)
      const story = teller(world, flags.json === true)
      const { issuer, samples } = ready
      const explainId = (id: string): Promise<Explained> =>
        withWorkbench(world, flags, workbench => explain(workbench, id))
      story.aside(opening(world, issuer))
      try {
        const explained = await play(story, { issuer, samples, entropy: world.entropy, explain: explainId })
        story.aside(closing(world, story, explained))
        if (flags.json) printJson(world, { kept: true, steps: story.lines, explained: explainedJson(explained) })
      } catch (error) {
        if (!(error instanceof PromiseBroken)) throw error
        outcome.exitCode = exitCodes.failed
        if (flags.json) printJson(world, { kept: false, steps: story.lines })
        else print(world, `\n${painter(world, world.stdout)('red', error.message)}`)
      }
    })
}

function findServer(world: World, flags: TryFlags): DevReady {
  const sources = {
    flags: { data: flags.data, store: flags.store },
    configFile: flags.config,
    environment: world.environment,
  }
  const { data } = readSettings(sources).settings
  const ready = readReadyFile(data)
  if (ready === null) {
    throw new ServerUnreachable(
      `No pawl dev was started in ${data}: run npx pawl dev in another terminal, then this again.`,
    )
  }
  if (flags.issuer === undefined) return ready
  if (!URL.canParse(flags.issuer)) throw new UsageRefused('--issuer is a URL such as http://localhost:7295.')
  return { ...ready, issuer: flags.issuer }
}

function opening(world: World, issuer: string): string {
  const paint = painter(world, world.stdout)
  return `${paint('bold', 'A session moves forward, never back.')}  ${paint('dim', issuer)}\n`
}

function closing(world: World, story: Teller, explained: Explained): string {
  const paint = painter(world, world.stdout)
  const words = explainedWords(explained, paint)
  const indented = words.split('\n').map(line => `      ${paint('dim', '│')} ${line}`.trimEnd())
  return ['', ...indented, '', paint('green', `${story.lines.length} promises, all kept.`)].join('\n')
}
