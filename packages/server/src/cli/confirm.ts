/** What ends sessions is said before it is done: the count is typed by a person, or `--yes` was written by a script. */

import { isCancel, text } from '@clack/prompts'
import { Unconfirmed } from './exit-codes.ts'
import type { World } from './world.ts'

export interface Ending {
  /** What is ended: `user alice@example.com`. */
  readonly words: string
  readonly families: number
  readonly yes: boolean
}

/** Returns when it may be done; throws `Unconfirmed` otherwise, and then nothing was changed. */
export async function confirmEnding(world: World, ending: Ending): Promise<void> {
  if (ending.yes) return
  const families = `${ending.families} living ${ending.families === 1 ? 'family' : 'families'}`
  const question = `This ends ${families}: ${ending.words}.`
  if (!isTerminal(world)) {
    throw new Unconfirmed(`${question} Nothing was changed. Write --yes to do it, or --dry-run to look first.`)
  }
  const message = `${question} Type ${ending.families} to do it.`
  const typed = await askAtTerminal(world, common => text({ message, ...common }))
  if (isCancel(typed) || typed.trim() !== String(ending.families)) throw new Unconfirmed('Nothing was changed.')
}

interface CommonOptions {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly signal: AbortSignal
}

/** Asks, and takes a terminal that goes away (Ctrl-D, a closed window) for "no": a question must not hang. */
export async function askAtTerminal<T>(world: World, ask: (common: CommonOptions) => Promise<T>): Promise<T> {
  const gone = new AbortController()
  // Input also rests after an answer. An answer is here before the next turn of the loop, and then nobody has left.
  const leave = (): void => {
    setImmediate(() => gone.abort())
  }
  const signs = ['end', 'close', 'pause'] as const
  for (const sign of signs) world.stdin.once(sign, leave)
  try {
    return await ask({ input: world.stdin, output: world.stderr, signal: gone.signal })
  } finally {
    for (const sign of signs) world.stdin.off(sign, leave)
  }
}

export function isTerminal(world: World): boolean {
  return world.stdin.isTTY === true && world.stderr.isTTY === true
}
