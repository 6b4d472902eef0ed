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
  const typed = await text({
    message: `${question} Type ${ending.families} to do it.`,
    input: world.stdin,
    output: world.stderr,
  })
  if (isCancel(typed) || typed.trim() !== String(ending.families)) throw new Unconfirmed('Nothing was changed.')
}

export function isTerminal(world: World): boolean {
  return world.stdin.isTTY === true && world.stderr.isTTY === true
}
