/** What Patroni says of its members, over its REST API. */

import { setTimeout as pause } from 'node:timers/promises'

export interface Membership {
  readonly name: string
  readonly role: string
  readonly isRunning: boolean
  /** Absent while a member does not say. */
  readonly timeline: number | undefined
}

const settleMsMax = 120_000
const answerMsMax = 2000
const pollMs = 100

/** Asks any of them until what they say satisfies. */
export async function untilMembers(
  patroniPorts: readonly number[],
  isRight: (members: readonly Membership[]) => boolean,
): Promise<readonly Membership[]> {
  const deadline = performance.now() + settleMsMax
  let last: readonly Membership[] = []
  while (performance.now() < deadline) {
    for (const port of patroniPorts) {
      last = (await readMembers(port)) ?? last
      if (isRight(last)) return last
    }
    await pause(pollMs)
  }
  throw new Error(`Patroni did not settle within ${settleMsMax} ms: ${JSON.stringify(last)}`)
}

export function leaderOf(members: readonly Membership[]): string {
  const leader = members.find(({ role }) => role === 'leader')
  if (leader === undefined) throw new Error('the cluster has no leader')
  return leader.name
}

/** Null while it does not answer: it starts, or was killed. */
async function readMembers(port: number): Promise<readonly Membership[] | null> {
  try {
    const signal = AbortSignal.timeout(answerMsMax)
    const response = await fetch(`http://127.0.0.1:${port}/cluster`, { signal })
    const { members } = (await response.json()) as { members: readonly Told[] }
    return members.map(({ name, role, state, timeline }) => ({
      name,
      role,
      isRunning: state === 'running' || state === 'streaming',
      timeline,
    }))
  } catch {
    return null
  }
}

interface Told {
  readonly name: string
  readonly role: string
  readonly state: string
  readonly timeline?: number
}
