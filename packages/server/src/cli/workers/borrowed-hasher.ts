/**
 * Password hashing in a worker: asked of the main thread, which hashes for all, so that the limits of one node stay those
 * of one node. A hash takes 80 ms, the question some microseconds.
 */

import { hashesRunningMax, hashesWaitingMax } from '../../domain/user/hashing-limits.ts'
import type { PasswordHashed, PasswordHasher, PasswordVerified } from '../../domain/user/password.ts'
import type { FromWorker, Question, Reply, ToWorker } from './messages.ts'

export interface BorrowedHasher extends PasswordHasher {
  readonly onReply: (message: Extract<ToWorker, { kind: 'replied' }>) => void
}

interface Means {
  readonly dummyPhc: string
  readonly hashesFull: SharedArrayBuffer
  readonly tell: (message: FromWorker) => void
}

interface Waiting {
  readonly settle: (reply: Reply) => void
  readonly fail: (error: Error) => void
}

/** More than this the main thread never takes from all threads together; who comes beyond need not be asked about. */
export const questionsOpenMax = hashesRunningMax + hashesWaitingMax

/** Beyond the limits of the node, whichever thread meets them, it says at once that it is too busy. */
export function borrowedHasher({ dummyPhc, hashesFull, tell }: Means): BorrowedHasher {
  const waiting = new Map<number, Waiting>()
  const full = new Int32Array(hashesFull)
  let asked = 0

  function ask(question: Question, tooBusy: Reply): Promise<Reply> {
    if (waiting.size >= questionsOpenMax) return Promise.resolve(tooBusy)
    const id = asked
    asked += 1
    return new Promise((settle, fail) => {
      waiting.set(id, { settle, fail })
      tell({ kind: 'asked', id, question })
    })
  }

  return {
    dummyPhc,
    isFull: () => Atomics.load(full, 0) !== 0,
    hash: password => ask({ kind: 'hash', password }, { kind: 'too_busy' }) as Promise<PasswordHashed>,
    verify: (phc, password) => ask({ kind: 'verify', phc, password }, 'too_busy') as Promise<PasswordVerified>,
    onReply: ({ id, reply }) => {
      const one = waiting.get(id)
      waiting.delete(id)
      if (reply === null) one?.fail(new Error('the main thread could not hash a password'))
      else one?.settle(reply)
    },
  }
}

/** The other side: answers with null where hashing failed, which is a fault and is said in the log. */
export async function hashFor(
  hasher: PasswordHasher,
  question: Question,
  report: (error: unknown) => void,
): Promise<Reply | null> {
  try {
    if (question.kind === 'hash') return await hasher.hash(question.password)
    return await hasher.verify(question.phc, question.password)
  } catch (error) {
    report(error)
    return null
  }
}
