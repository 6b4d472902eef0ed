/** What the command line ends, running servers tell: several of them, each client once, also after one was killed. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openLogoutReceiver } from '../stage/logout-receiver.ts'
import { shop } from '../stage/scene.ts'
import { appOf, browserOf, openOffice } from './registered.ts'
import { dataDirectory, pawlJson, startServer } from './server-process.ts'

describe('a session that ends outside of the servers', () => {
  it('LO-02 is told once by two servers, and by the one that is started after all were killed', async test => {
    const data = await dataDirectory(test)
    const receiver = await openLogoutReceiver(test)
    const office = await openOffice(test, data)
    const registered = await office.addClient({ ...shop, backchannelLogoutUri: receiver.url })
    await office.addUser()
    const servers = [await startServer(test, { data }), await startServer(test, { data })]
    const [first] = servers
    assert.ok(first !== undefined)
    await appOf(first, registered).signIn(browserOf(first), { scope: 'openid' })
    const told = receiver.next()
    await pawlJson(['revoke', '--user', 'ada@example.com', '--yes', '--data', data])
    await told

    await appOf(first, registered).signIn(browserOf(first), { scope: 'openid' })
    for (const server of servers) await server.kill()
    await pawlJson(['user', 'disable', 'ada@example.com', '--yes', '--data', data])
    assert.equal(receiver.heard.length, 1)
    const heard = receiver.next()
    await startServer(test, { data })
    await heard
    assert.equal(receiver.heard.length, 2)
    const listed = (await pawlJson(['deliveries', 'list', '--data', data])) as readonly { readonly client_id: string }[]
    assert.deepEqual(
      listed.map(({ client_id: id }) => id),
      ['shop', 'shop'],
    )
  })
})
