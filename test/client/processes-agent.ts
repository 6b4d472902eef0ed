/**
 * One of several processes that hold the same grant (`processes-ground.ts` starts them): a line in is an ask for an access
 * token, a line out its answer. It has a store, a custody key and nothing else in common with the others.
 */

import { createInterface } from 'node:readline'
import { custodyKeyFrom, type Holder, holdGrants } from '@pawl/client'
import { openRaceStore, type RacePlace } from './custody-places.ts'

export interface AgentTask {
  readonly place: RacePlace
  readonly issuer: string
  readonly clientId: string
  readonly grant: string
  /** Base64url. */
  readonly custodyKey: string
}

export type AgentAsk =
  | { readonly id: number; readonly kind: 'token'; readonly ifNot: string | null }
  | { readonly id: number; readonly kind: 'end' }

export type AgentAnswer =
  | { readonly id: number; readonly token: string }
  | { readonly id: number; readonly ended: string }
  | { readonly id: number; readonly error: string }

export async function runAgent(task: AgentTask): Promise<void> {
  const { store, close } = await openRaceStore(task.place)
  const custodyKey = await custodyKeyFrom(new Uint8Array(Buffer.from(task.custodyKey, 'base64url')))
  const holder = holdGrants({ server: task.issuer, client: { client_id: task.clientId }, store, custodyKey })
  process.stdout.write(`${JSON.stringify({ id: 0, token: 'ready' })}\n`)
  const under = new Set<Promise<void>>()
  for await (const line of createInterface(process.stdin)) {
    const asked = answerTo(holder, task.grant, JSON.parse(line) as AgentAsk).then(answer => {
      process.stdout.write(`${JSON.stringify(answer)}\n`)
      under.delete(asked)
    })
    under.add(asked)
  }
  await Promise.all(under)
  await holder.close()
  await close()
}

async function answerTo(holder: Holder, grant: string, ask: AgentAsk): Promise<AgentAnswer> {
  const { id } = ask
  try {
    if (ask.kind === 'end') return { id, ended: await holder.end(grant) }
    const { token } = await holder.accessToken(grant, ask.ifNot === null ? {} : { ifNot: ask.ifNot })
    return { id, token }
  } catch (error) {
    return { id, error: error instanceof Error ? `${error.name}: ${error.message}` : 'something else' }
  }
}

const [, , task] = process.argv
if (task !== undefined) await runAgent(JSON.parse(task) as AgentTask)
