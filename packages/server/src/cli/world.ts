/** What a command may touch outside itself, passed in by `main` so that nothing reaches for a global. */

import type { Clock } from '../domain/time.ts'
import type { Entropy } from '../domain/entropy.ts'

export interface World {
  readonly environment: { readonly [name: string]: string | undefined }
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly clock: Clock
  readonly entropy: Entropy
  /** Who is at the keyboard, for the audit log. */
  readonly operatorName: string
  /** Resolves at the first SIGTERM or SIGINT from now on; the second ends the process at once. */
  readonly untilStopped: () => Promise<void>
}

/** Data, on stdout. */
export function print(world: World, text: string): void {
  world.stdout.write(`${text}\n`)
}

/** One JSON document on one line; what a terminal would obey is escaped. */
export function printJson(world: World, value: unknown): void {
  print(world, escapeControls(JSON.stringify(value)))
}

/** Words, on stderr. */
export function tell(world: World, text: string): void {
  world.stderr.write(`${text}\n`)
}

/** Text that strangers may have chosen, made harmless for a terminal: no control, escape or direction character is left. */
export function plain(text: string): string {
  return escapeControls(text)
}

function escapeControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, character => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}
