/**
 * A world of a test's own: nothing is read from or written to the process that runs the tests. Not a test itself; the
 * name keeps it out of what is published.
 */

import { Readable, Writable } from 'node:stream'
import { systemEntropy } from '../domain/entropy.ts'
import { systemClock } from '../domain/time.ts'
import { runCommand } from './main.ts'
import type { World } from './world.ts'

export interface Ran {
  readonly exitCode: number | null
  readonly out: string
  readonly err: string
}

export interface Surroundings {
  readonly stdin?: string
  readonly environment?: { readonly [name: string]: string }
}

/** Runs one command line in this process. Nobody is at a terminal. */
export async function runHere(
  words: readonly string[],
  { stdin = '', environment = {} }: Surroundings = {},
): Promise<Ran> {
  const out = sink()
  const err = sink()
  const world: World = {
    environment,
    stdin: Readable.from([Buffer.from(stdin)]) as unknown as NodeJS.ReadStream,
    stdout: out.stream as unknown as NodeJS.WriteStream,
    stderr: err.stream as unknown as NodeJS.WriteStream,
    clock: systemClock,
    entropy: systemEntropy(),
    operatorName: 'olga',
    untilStopped: async () => {},
  }
  const exitCode = await runCommand(words, world)
  return { exitCode, out: out.text(), err: err.text() }
}

interface Sink {
  readonly stream: Writable
  readonly text: () => string
}

function sink(): Sink {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk)
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') }
}
