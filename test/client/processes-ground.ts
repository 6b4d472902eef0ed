/** A real Pawl behind a network that counts and loses answers, one signed-in grant, and processes that share it. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { custodyKeyFrom, holdGrants } from '@pawl/client'
import { type Fault, faultProxy, type Link } from '../network/fault-proxy.ts'
import { appOf, browserOf, openOffice } from '../processes/registered.ts'
import { dataDirectory, emptyDirectory, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import { openRaceStore, type RacePlace } from './custody-places.ts'
import type { AgentAnswer, AgentAsk, AgentTask } from './processes-agent.ts'

export interface AgentGround {
  readonly task: AgentTask
  /** The access token of the sign-in. */
  readonly firstToken: string
  /** Requests to the token endpoint since this was asked last. */
  readonly tokenRequests: () => number
  /** The next answer of the token endpoint is lost on its way. */
  readonly loseAnswer: () => void
  /** Of the grant, as the store has it. */
  readonly generation: () => Promise<number | null>
  readonly agent: () => Promise<Agent>
}

export interface Agent {
  readonly ask: (ifNot: string | null) => Promise<AgentAnswer | 'killed'>
  readonly end: () => Promise<AgentAnswer | 'killed'>
  readonly kill: () => void
}

const grant = 'agents'

export async function openAgentGround(lifetime: Lifetime, kind: 'file' | 'sqlite'): Promise<AgentGround> {
  const directory = await emptyDirectory(lifetime)
  const place: RacePlace = kind === 'file' ? { kind, directory } : { kind, path: join(directory, 'custody.db') }
  const data = await dataDirectory(lifetime)
  const port = await stablePort()
  const proxy = await faultProxy(lifetime, port)
  const server = await startServer(lifetime, { data, port, flags: ['--issuer', proxy.origin] })
  const watch = countedTokens()
  proxy.faultAll(watch.fault)
  const office = await openOffice(lifetime, data)
  await office.addUser()
  const registered = await office.addClient({ id: 'agent', kind: 'native', repeatSeconds: 0 })
  const custodyKey = Buffer.alloc(32, 9).toString('base64url')
  const task: AgentTask = { place, issuer: proxy.origin, clientId: 'agent', grant, custodyKey }
  const key = await custodyKeyFrom(new Uint8Array(Buffer.from(custodyKey, 'base64url')))
  const { store, close } = await openRaceStore(place)
  lifetime.after(close)
  const holder = holdGrants({ server: proxy.origin, client: { client_id: 'agent' }, store, custodyKey: key })
  const app = appOf(server, registered)
  const code = await app.authorize(browserOf(server))
  const tokens = await app.redeem(code, {}, { 'idempotency-key': `"rk1.${await key.retryKeyFor(code.code)}"` })
  assert.equal(tokens.status, 200)
  await holder.keep(grant, { tokens: tokens.body })
  watch.count()
  return {
    task,
    firstToken: tokens.accessToken,
    tokenRequests: watch.count,
    loseAnswer: watch.lose,
    generation: async () => (await holder.look(grant))?.generation ?? null,
    agent: () => startAgent(lifetime, task),
  }
}

/** Counts requests for tokens where they pass, and loses an answer when told to. */
export function countedTokens(): { readonly fault: Fault; readonly count: () => number; readonly lose: () => void } {
  let count = 0
  let toLose = 0
  const fault = (link: Link) => {
    let isAsked = false
    return {
      toServer: (bytes: Buffer) => {
        isAsked = bytes.includes('POST /token ')
        if (isAsked) count += 1
        link.forward('toServer', bytes)
      },
      toClient: (bytes: Buffer) => {
        if (!isAsked || toLose === 0) return link.forward('toClient', bytes)
        toLose -= 1
        link.reset()
      },
    }
  }
  return {
    fault,
    count: () => {
      const counted = count
      count = 0
      return counted
    },
    lose: () => {
      toLose += 1
    },
  }
}

async function startAgent(lifetime: Lifetime, task: AgentTask): Promise<Agent> {
  const program = join(import.meta.dirname, 'processes-agent.ts')
  const child = spawn(process.execPath, [program, JSON.stringify(task)], { stdio: ['pipe', 'pipe', 'inherit'] })
  lifetime.after(() => child.kill('SIGKILL'))
  const waiting = new Map<number, (answer: AgentAnswer | 'killed') => void>()
  const ready = new Promise<AgentAnswer | 'killed'>(resolve => waiting.set(0, resolve))
  createInterface(child.stdout).on('line', line => {
    const answer = JSON.parse(line) as AgentAnswer
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  child.once('close', () => {
    for (const resolve of waiting.values()) resolve('killed')
    waiting.clear()
  })
  // What is written to a process that was killed meanwhile is answered by its end.
  child.stdin.on('error', () => undefined)
  assert.notEqual(await ready, 'killed', 'an agent did not start')
  return agentOf(child, waiting)
}

function agentOf(child: ChildProcess, waiting: Map<number, (answer: AgentAnswer | 'killed') => void>): Agent {
  let asked = 0
  const send = (ask: { readonly kind: 'end' } | { readonly kind: 'token'; readonly ifNot: string | null }) => {
    asked += 1
    const line: AgentAsk = { id: asked, ...ask }
    return new Promise<AgentAnswer | 'killed'>(resolve => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve('killed')
      waiting.set(line.id, resolve)
      child.stdin?.write(`${JSON.stringify(line)}\n`)
    })
  }
  return {
    ask: ifNot => send({ kind: 'token', ifNot }),
    end: () => send({ kind: 'end' }),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** All of them are told at once that this token is dead; answers the one that all of those got which were not killed. */
export async function round(agents: readonly Agent[], ifNot: string): Promise<string> {
  const answers = (await Promise.all(agents.map(agent => patiently(agent, ifNot)))).filter(
    answer => answer !== 'killed',
  )
  const wrong = answers.filter(answer => !('token' in answer))
  assert.deepEqual(wrong, [])
  const tokens = new Set(answers.map(answer => ('token' in answer ? answer.token : '')))
  assert.equal(tokens.size, 1, 'all have the same token')
  const [token = ''] = tokens
  assert.notEqual(token, ifNot)
  return token
}

const asksMax = 10

/** A refresh that was postponed is asked for again, as applications do; anything else is what it is. */
async function patiently(agent: Agent, ifNot: string): Promise<AgentAnswer | 'killed'> {
  let answer = await agent.ask(ifNot)
  for (let asks = 1; asks < asksMax && isPostponed(answer); asks++) answer = await agent.ask(ifNot)
  return answer
}

function isPostponed(answer: AgentAnswer | 'killed'): boolean {
  return answer !== 'killed' && 'error' in answer && answer.error.startsWith('RefreshPostponed')
}
