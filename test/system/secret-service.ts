/**
 * A session as a Linux desktop has it, of its own: a message bus, and on it a gnome-keyring whose keyring was opened with a
 * password. Needs the packages `dbus`, `gnome-keyring` and `libsecret-tools`.
 */

import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { promisify } from 'node:util'
import type { Lifetime } from '../stage/lifetime.ts'

const run = promisify(execFile)

export interface Session {
  readonly environment: { readonly [name: string]: string }
  /** Empty, and gone with the session. */
  readonly directory: string
}

export interface SecretService extends Session {
  /** Names of the accounts that the keyring has for a service, as `secret-tool` of libsecret finds them. */
  accountsOf(service: string): Promise<readonly string[]>
  lock(): Promise<void>
  /** Stops the daemon where it stands, and lets it go on. */
  freeze(): void
  thaw(): void
}

/** A bus on which there is nobody, and which starts nobody. */
export async function openSession(lifetime: Lifetime): Promise<Session> {
  const directory = await mkdtemp(join(tmpdir(), 'pawl-session-'))
  lifetime.after(() => rm(directory, { recursive: true, force: true }))
  const [home, runtime] = [join(directory, 'home'), join(directory, 'run')]
  for (const path of [home, runtime]) await mkdir(path, { mode: 0o700 })
  const configuration = join(directory, 'bus.conf')
  await writeFile(configuration, busConfiguration(join(directory, 'bus')))
  const words = [`--config-file=${configuration}`, '--nofork', '--print-address=1']
  const bus = spawn('dbus-daemon', words, { stdio: ['ignore', 'pipe', 'ignore'] })
  const gone = once(bus, 'exit')
  lifetime.after(async () => {
    bus.kill('SIGKILL')
    await gone
  })
  const [address] = (await once(createInterface(bus.stdout), 'line')) as [string]
  const place = { HOME: home, XDG_RUNTIME_DIR: runtime, XDG_DATA_HOME: join(home, 'data') }
  const environment = { PATH: process.env['PATH'] ?? '', ...place, DBUS_SESSION_BUS_ADDRESS: address }
  return { directory, environment }
}

/** The same with a keyring that is open. */
export async function openSecretService(lifetime: Lifetime): Promise<SecretService> {
  const session = await openSession(lifetime)
  const daemon = spawn('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], {
    env: session.environment,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const gone = once(daemon, 'exit')
  lifetime.after(async () => {
    daemon.kill('SIGKILL')
    await gone
  })
  daemon.stdin.end('the password of nobody')
  await hasSecrets(session)
  return {
    ...session,
    accountsOf: service => accountsOf(session, service),
    async lock() {
      const collection = 'array:objpath:/org/freedesktop/secrets/collection/login'
      await send(session, secrets, ['/org/freedesktop/secrets', 'org.freedesktop.Secret.Service.Lock', collection])
    },
    freeze: () => daemon.kill('SIGSTOP'),
    thaw: () => daemon.kill('SIGCONT'),
  }
}

const secrets = 'org.freedesktop.secrets'
const asksMax = 1000

/** Asks the bus until somebody has the secrets there, which is a matter of milliseconds. */
async function hasSecrets(session: Session): Promise<void> {
  for (let asks = 0; asks < asksMax; asks++) {
    const asked = ['/', 'org.freedesktop.DBus.NameHasOwner', `string:${secrets}`]
    if ((await send(session, 'org.freedesktop.DBus', asked)).includes('boolean true')) return
  }
  throw new Error('gnome-keyring-daemon does not come')
}

async function accountsOf({ environment }: Session, service: string): Promise<readonly string[]> {
  const found = await run('secret-tool', ['search', '--all', 'service', service], { env: environment })
  return [...`${found.stdout}${found.stderr}`.matchAll(/^attribute\.username = (.*)$/gm)].map(([, name = '']) => name)
}

async function send({ environment }: Session, to: string, words: readonly string[]): Promise<string> {
  const sent = await run('dbus-send', ['--session', '--print-reply', `--dest=${to}`, ...words], { env: environment })
  return sent.stdout
}

/** Nothing is started by a call to it, unlike on the bus of a desktop. */
function busConfiguration(path: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${path}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
`
}
