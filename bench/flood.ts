/**
 * `node bench/flood.ts`: what a flood of passwords costs those who refresh. Five hundred posts a second come to the
 * sign-in page of a real server whatever its answers do, for attackers do not wait for one another, while one client
 * refreshes. Beside it: no flood, and the same flood refused before a password is looked at, which is what any flood of
 * requests costs on this machine. The clients, the server and the hashing share its cores.
 */

import { appOf, browserOf, openOffice } from '../test/processes/registered.ts'
import { emptyDirectory, startServer } from '../test/processes/server-process.ts'
import { formOf } from '../test/stage/browser.ts'
import { openLifetime } from '../test/stage/lifetime.ts'
import { describeMachine } from './measure/machine.ts'

const tickMs = 20
const postsPerTick = 10
const attemptsMax = 5
const form = 'application/x-www-form-urlencoded'

type Fields = { readonly [name: string]: string }

interface Figures {
  readonly flood: string
  readonly refreshes: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly postsPerSecond: number
  /** How many posts were answered with which status. */
  readonly statuses: { readonly [status: string]: number }
}

interface Scene {
  /** Refreshes so many times, one after the other; how long each took, the shortest first. */
  readonly refreshed: (count: number) => Promise<readonly number[]>
  /** Posts the sign-in page; answers the status. */
  readonly post: (fields: Fields) => Promise<number>
}

const refreshes = process.argv.includes('--quick') ? 50 : 500
const lifetime = openLifetime()
try {
  const scene = await openScene()
  await scene.refreshed(refreshes)
  const figures = [
    await measured(scene, 'none', null),
    await measured(scene, 'refused unread', () => ({ username: 'x', password: 'guess', state_token: 'x' })),
    await measured(scene, 'of passwords', index => ({ username: `person${index}@example.com`, password: 'guess' })),
    await measured(scene, 'none, again', null),
  ]
  process.stdout.write(`${JSON.stringify({ machine: describeMachine('.'), figures }, null, 2)}\n`)
} finally {
  await lifetime.end()
}

async function openScene(): Promise<Scene> {
  const data = await emptyDirectory(lifetime)
  const office = await openOffice(lifetime, data)
  await office.addUser()
  const registered = await office.addClient({ id: 'phone', kind: 'native' })
  const server = await startServer(lifetime, { data })
  const app = appOf(server, registered)
  let { refreshToken } = await app.signIn(browserOf(server))
  const guesser = browserOf(server)
  const { action, body } = formOf(await guesser.open(app.authorizePath({ prompt: 'login' }).path), {})
  return {
    refreshed: async count => {
      const times: number[] = []
      for (let index = 0; index < count; index++) {
        const startedAtMs = performance.now()
        const answer = await patiently(() => app.refresh(refreshToken))
        times.push(performance.now() - startedAtMs)
        if (answer.status !== 200) throw new Error(`a refresh was answered ${answer.status}`)
        refreshToken = answer.refreshToken
      }
      return times.toSorted((one, other) => one - other)
    },
    post: async fields => {
      const filled = new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(body)), ...fields })
      const init = { method: 'POST', headers: { 'content-type': form }, body: filled.toString() }
      const response = await guesser.send(action, init)
      await response.arrayBuffer()
      return response.status
    },
  }
}

/** Idle connections make room for new ones at the limit; whoever loses an answer that way asks again, as clients do. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (attempt === attemptsMax) throw error
    }
  }
}

async function measured(scene: Scene, flood: string, fields: ((index: number) => Fields) | null): Promise<Figures> {
  const statuses: { [status: string]: number } = {}
  const posts: Promise<void>[] = []
  const postOnce = async (filled: Fields): Promise<void> => {
    // Connections beyond the limit are closed, which is an answer too.
    const status = await scene.post(filled).catch(() => 'closed')
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  const ticking = setInterval(() => {
    if (fields !== null) for (let index = 0; index < postsPerTick; index++) posts.push(postOnce(fields(posts.length)))
  }, tickMs)
  const startedAtMs = performance.now()
  const times = await scene.refreshed(refreshes)
  clearInterval(ticking)
  const postsPerSecond = Math.round((posts.length * 1000) / (performance.now() - startedAtMs))
  await Promise.all(posts)
  const at = (share: number): number => Number((times[Math.floor(times.length * share)] ?? 0).toFixed(2))
  return { flood, refreshes, p50Ms: at(0.5), p99Ms: at(0.99), postsPerSecond, statuses }
}
