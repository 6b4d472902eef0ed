import { homedir } from 'node:os'
import { join } from 'node:path'
import { holdGrants } from '@pawl/client'
import { signInWithDevice } from '@pawl/client/device'
import { fileStore } from '@pawl/client/file'
import { keystoreCustodyKey } from '@pawl/client/keystore'
import { signInAtLoopback } from '@pawl/client/loopback'

const directory = join(homedir(), '.my-tool')
const custody = {
  server: 'https://id.example',
  client: { client_id: 'my-tool' },
  store: fileStore(directory),
  custodyKey: await keystoreCustodyKey({ service: 'my-tool', directory }),
}
const holder = holdGrants(custody)
const scope = 'openid offline_access'
const say = (words: string) => void process.stderr.write(`${words}\n`)

export async function login() {
  await holder.keep('me', await signInAtLoopback(custody, { scope, show: url => say(`Open ${url}`) }))
}

/** Where no browser is: over ssh, on a television. */
export async function loginElsewhere() {
  const fresh = await signInWithDevice(custody, {
    scope,
    show: ({ verificationUri, userCode }) => say(`Open ${verificationUri} and enter ${userCode}`),
  })
  await holder.keep('me', fresh)
}

export async function whoami() {
  const ask = holder.fetchAs('me', { origins: ['https://id.example'] })
  process.stdout.write(await (await ask('https://id.example/userinfo')).text())
  await holder.close()
}
