/**
 * A process that dies at a chosen moment (`file-crashes.test.ts` starts it): before one of the calls by which a file store
 * changes the disk, or while it has locks and leases. It kills itself with SIGKILL, so nothing is tidied up.
 */

import fs from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { fileStore } from '@pawl/client/file'
import type { KeptRecord } from '@pawl/client'
import { tryClaim } from '../../packages/client/src/stores/claim.ts'
import { newMark } from '../../packages/client/src/stores/claim-mark.ts'
import { thisProcess } from '../../packages/client/src/stores/process-owner.ts'

export type Death =
  | {
      readonly kind: 'at'
      readonly directory: string
      readonly verb: Verb
      readonly call: number
      readonly before: KeptRecord
      readonly next: KeptRecord
    }
  /** Dies with these claims: file names in the directory. */
  | {
      readonly kind: 'holding'
      readonly directory: string
      readonly locks: readonly string[]
      readonly leases: readonly string[]
    }

export const verbs = ['save', 'remove', 'lease'] as const
export type Verb = (typeof verbs)[number]

/** What it leaves when it lives: the call it was to die at does not come. */
export const survived = 'survived'

type Call = (...values: unknown[]) => unknown

async function dieAt({ directory, verb, call, before, next }: Extract<Death, { readonly kind: 'at' }>): Promise<void> {
  const store = fileStore(directory)
  let left = call
  const count = (): void => {
    left -= 1
    if (left < 0) die()
  }
  countCalls(count)
  if (verb === 'save') await store.save('grant', next, before.version)
  if (verb === 'remove') await store.remove('grant', before.version)
  if (verb === 'lease') await (await store.lease('grant', 3600))?.release()
  fs.writeSync(1, survived)
}

/** Before each call that changes the disk, or flushes it. */
function countCalls(count: () => void): void {
  const counting =
    (call: Call): Call =>
    (...values) => {
      count()
      return call(...values)
    }
  const change = (of: object, names: readonly string[]): void => {
    for (const name of names) {
      const call = Reflect.get(of, name) as Call
      Reflect.set(of, name, counting(call.bind(of)))
    }
  }
  change(fs, ['mkdirSync', 'renameSync', 'rmdirSync', 'rmSync', 'unlinkSync'])
  const open = fs.promises.open.bind(fs.promises)
  change(fs.promises, ['rm'])
  Reflect.set(fs.promises, 'open', async (...values: Parameters<typeof open>): Promise<FileHandle> => {
    count()
    const handle = await open(...values)
    change(handle, ['writeFile', 'sync', 'close'])
    return handle
  })
  syncBuiltinESMExports()
}

async function dieHolding({ directory, locks, leases }: Extract<Death, { readonly kind: 'holding' }>): Promise<void> {
  const store = fileStore(directory)
  for (const lock of locks) tryClaim(join(directory, lock), newMark(thisProcess()), () => false)
  for (const lease of leases) await store.lease(lease, 3600)
  die()
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

const [, , task] = process.argv
if (task !== undefined) {
  const death = JSON.parse(task) as Death
  if (death.kind === 'at') await dieAt(death)
  else await dieHolding(death)
}
