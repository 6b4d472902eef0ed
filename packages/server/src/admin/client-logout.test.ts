import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clientJson } from './client-json.ts'
import { changeClient, registerClient } from './clients.ts'
import { bench } from './fixture.test.ts'
import { InputRefused } from './workbench.ts'

const web = { id: 'app', kind: 'web', redirectUris: ['https://app.example/cb', 'http://localhost:3000/cb'] }
const back = 'https://hooks.app.example/logged-out'
const front = 'https://app.example/logged-out'

describe('where a client hears of a logout', () => {
  it('is nowhere until somebody says so, and is said with the names of the specifications', async () => {
    const { workbench } = await bench()
    const { client } = await registerClient(workbench, web)
    assert.deepEqual(
      Object.keys(clientJson(client)).filter(name => name.includes('channel')),
      [],
    )
    const told = await changeClient(workbench, 'app', { backchannelLogoutUri: back, frontchannelLogoutUri: front })
    const said = {
      backchannel_logout_uri: back,
      backchannel_logout_session_required: false,
      frontchannel_logout_uri: front,
      frontchannel_logout_session_required: false,
    }
    assert.deepEqual(clientJson(told), { ...clientJson(told), ...said })
    const strict = await changeClient(workbench, 'app', { backchannelLogoutSessionRequired: true })
    assert.equal(clientJson(strict)['backchannel_logout_session_required'], true)
    const silent = await changeClient(workbench, 'app', { backchannelLogoutUri: null, frontchannelLogoutUri: null })
    assert.equal('backchannel_logout_uri' in clientJson(silent), false)
  })

  it('is at the origin of a redirect URI where the browser goes there, and anywhere where we do', async () => {
    const { workbench } = await bench()
    const right = ['https://app.example/a?b', 'http://localhost:3000/x']
    await registerClient(workbench, web)
    for (const frontchannelLogoutUri of right) await changeClient(workbench, 'app', { frontchannelLogoutUri })
    const wrong = [
      'https://app.example:8443/a',
      'http://app.example/a',
      'https://www.app.example/a',
      'http://localhost:3001/x',
      'https://app.example/a#b',
    ]
    for (const frontchannelLogoutUri of wrong) {
      await assert.rejects(changeClient(workbench, 'app', { frontchannelLogoutUri }), InputRefused)
    }
    await changeClient(workbench, 'app', { frontchannelLogoutUri: right[1] })
    const moved = changeClient(workbench, 'app', { redirectUris: ['https://app.example/cb'] })
    await assert.rejects(moved, /origin of none/, 'the one goes with the other')
  })

  it('is nothing that a service can have', async () => {
    const { workbench } = await bench()
    const service = registerClient(workbench, { id: 'job', kind: 'service', backchannelLogoutUri: back })
    await assert.rejects(service, /no part in anybody's session/)
  })
})
