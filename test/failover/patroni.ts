/**
 * Three members looked after by Patroni, with etcd to agree on the leader and HAProxy to find it: programs that the
 * operating system brings (`apt-get install patroni etcd-server haproxy postgresql`), set up by the files in `patroni/`.
 */

import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'node:test'
import { type Account, give, newDirectory, unprivilegedAccount } from '../postgres/ground.ts'
import { findInstallations } from '../postgres/installations.ts'
import { ask } from '../postgres/query.ts'
import { stablePort } from '../processes/stable-port.ts'
import { type Database, nodeAccount, nodeDatabase } from './database.ts'
import { addDatabase } from './pair.ts'
import { killTree, type Program, startProgram } from './program.ts'
import { leaderOf, type Membership, untilMembers } from './patroni-members.ts'

const memberNames = ['one', 'two', 'three'] as const
const kills = ['machine', 'PostgreSQL'] as const

interface Member {
  readonly name: string
  readonly port: number
  readonly patroniPort: number
  readonly data: string
  patroni: Program | null
}

interface Site {
  readonly directory: string
  readonly account: Account
  /** Of PostgreSQL, with all that Patroni calls. */
  readonly programs: string
  readonly superuser: string
  readonly etcdUrl: string
  readonly members: readonly Member[]
}

/** Beside what an operator would say: whoever is killed leaves nothing in the memory all processes have in common. */
const testSettings = 'postgresql: {parameters: {dynamic_shared_memory_type: mmap}}\n'

const reachedMsMax = 180_000
const pollMs = 100

const configuration = fileURLToPath(new URL('patroni', import.meta.url))

/** Gone with the test. */
export async function startPatroni(test: TestContext): Promise<Database> {
  const site = await newSite()
  const { members, directory, account } = site
  const etcd = await startEtcd(site)
  let haproxy: Program | null = null
  test.after(async () => {
    await haproxy?.stop()
    await Promise.all(members.map(async ({ patroni }) => patroni?.stop()))
    await etcd.stop()
    await rm(directory, { recursive: true })
  })
  for (const member of members) startMember(site, member)
  let leader = memberOf(site, leaderOf(await untilMembers(patroniPorts(site), isWhole)))
  const password = await addDatabase(superuserUrl(site, leader))
  const port = await stablePort()
  haproxy = startProgram('haproxy', ['-f', join(directory, 'haproxy.cfg')], {
    account,
    directory,
    environment: haproxyEnvironment(members, port),
  })
  const url = `postgres://${nodeAccount}:${password}@127.0.0.1:${port}/${nodeDatabase}`
  await untilReached(url)
  return {
    url,
    primaryUrl: () => superuserUrl(site, leader),
    failOver: async chance => {
      const dying = leader
      const killed = kills[chance.below(kills.length)]!
      const killedAtMs = performance.now()
      if (killed === 'machine') await dying.patroni?.kill()
      await killTree(postmasterOf(dying))
      const others = members.filter(member => member !== dying).map(member => member.patroniPort)
      const led = await untilMembers(others, all => all.some(one => one.role === 'leader' && one.name !== dying.name))
      const primaryMs = performance.now() - killedAtMs
      leader = memberOf(site, leaderOf(led))
      await untilMembers([leader.patroniPort], all => all.some(one => one.role === 'sync_standby'))
      const standbyMs = performance.now() - killedAtMs
      if (killed === 'machine') startMember(site, dying)
      await untilMembers([leader.patroniPort], isWhole)
      return { killed: killed === 'machine' ? "leader's machine" : "leader's PostgreSQL", primaryMs, standbyMs }
    },
  }
}

/** HAProxy has to start, and to hear from Patroni which member leads. */
async function untilReached(url: string): Promise<void> {
  const deadline = performance.now() + reachedMsMax
  for (;;) {
    try {
      await ask(url, 'SELECT 1')
      return
    } catch (cause) {
      if (performance.now() > deadline) throw new Error('no member is reached through HAProxy', { cause })
    }
    await pause(pollMs)
  }
}

async function newSite(): Promise<Site> {
  const installation = findInstallations().find(({ programs }) => existsSync(join(programs, 'pg_basebackup')))
  if (installation === undefined) throw new Error('Patroni needs a PostgreSQL with pg_basebackup and pg_rewind')
  const account = unprivilegedAccount()
  const directory = newDirectory(account)
  for (const file of ['patroni.yml', 'haproxy.cfg']) copyFileSync(join(configuration, file), join(directory, file))
  writeFileSync(join(directory, 'patroni-test.yml'), testSettings)
  const members: Member[] = []
  for (const name of memberNames) {
    const home = join(directory, name)
    mkdirSync(home, { mode: 0o700 })
    give(home, account)
    const [port, patroniPort] = [await stablePort(), await stablePort()]
    members.push({ name, port, patroniPort, data: join(home, 'data'), patroni: null })
  }
  const superuser = randomBytes(16).toString('hex')
  const etcdUrl = `http://127.0.0.1:${await stablePort()}`
  return { directory, account, programs: installation.programs, superuser, etcdUrl, members }
}

async function startEtcd({ directory, account, etcdUrl }: Site): Promise<Program> {
  const peerUrl = `http://127.0.0.1:${await stablePort()}`
  const words = [
    ['--name', 'only', '--data-dir', join(directory, 'etcd')],
    ['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
    ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
    ['--initial-cluster', `only=${peerUrl}`],
  ].flat()
  return startProgram('etcd', words, { account, directory, environment: {} })
}

function startMember({ directory, account, programs, superuser, etcdUrl }: Site, member: Member): void {
  const { name, port, patroniPort, data } = member
  member.patroni = startProgram('patroni', [directory], {
    account,
    directory: join(directory, name),
    environment: {
      PATRONI_NAME: name,
      PATRONI_ETCD3_HOSTS: etcdUrl.slice('http://'.length),
      PATRONI_RESTAPI_LISTEN: `127.0.0.1:${patroniPort}`,
      PATRONI_RESTAPI_CONNECT_ADDRESS: `127.0.0.1:${patroniPort}`,
      PATRONI_POSTGRESQL_LISTEN: `127.0.0.1:${port}`,
      PATRONI_POSTGRESQL_CONNECT_ADDRESS: `127.0.0.1:${port}`,
      PATRONI_POSTGRESQL_DATA_DIR: data,
      PATRONI_POSTGRESQL_BIN_DIR: programs,
      PATRONI_POSTGRESQL_PGPASS: join(directory, name, 'pgpass'),
      PATRONI_SUPERUSER_USERNAME: 'postgres',
      PATRONI_SUPERUSER_PASSWORD: superuser,
      PATRONI_REPLICATION_USERNAME: 'replicator',
      PATRONI_REPLICATION_PASSWORD: superuser,
    },
  })
}

function haproxyEnvironment(members: readonly Member[], port: number): { [name: string]: string } {
  const environment: { [name: string]: string } = { PAWL_DATABASE_PORT: String(port) }
  for (const member of members) {
    const name = member.name.toUpperCase()
    environment[`${name}_PORT`] = String(member.port)
    environment[`${name}_PATRONI_PORT`] = String(member.patroniPort)
  }
  return environment
}

/** A leader, a synchronous standby and another one, all on the same history. */
function isWhole(all: readonly Membership[]): boolean {
  const roles = all.filter(one => one.isRunning).map(one => one.role)
  const timelines = new Set(all.map(one => one.timeline))
  const wanted = ['leader', 'replica', 'sync_standby']
  return timelines.size === 1 && roles.toSorted().join(' ') === wanted.join(' ')
}

function memberOf({ members }: Site, name: string): Member {
  const member = members.find(one => one.name === name)
  if (member === undefined) throw new Error(`Patroni tells of a member ${name} that is none of ours`)
  return member
}

function patroniPorts({ members }: Site): readonly number[] {
  return members.map(member => member.patroniPort)
}

function postmasterOf({ data }: Member): number {
  return Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
}

function superuserUrl({ superuser }: Site, { port }: Member): string {
  return `postgres://postgres:${superuser}@127.0.0.1:${port}/postgres`
}
