import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLoopbackName, judgeOutboundUrl, judgeStrangersUrl, outboundUrlCharactersMax } from './outbound-url.ts'

const production = { allowsLoopback: false, privateHosts: new Set(['app.internal', '10.1.2.3']) }
const development = { allowsLoopback: true, privateHosts: new Set<string>() }

describe('a URL that something may be sent to', () => {
  it('is https, to a name or a public address', () => {
    const good = ['https://a.example', 'https://a.example:8443/x?y=1', 'https://8.8.8.8/', 'https://[2606:4700::1]/']
    for (const url of good) assert.equal(judgeOutboundUrl(url, production), null, url)
  })

  it('has no other scheme, no user information, no fragment and no odd character', () => {
    const schemes = ['http://a.example', 'file:///etc/passwd', 'gopher://a.example', 'ftp://a.example', 'data:,x']
    const strange = ['unix:/run/x', 'javascript:alert(1)', 'https:', 'https://', '//a.example', 'a.example', '']
    const dressed = ['https://u@a.example', 'https://u:p@a.example', 'https://@a.example', 'https:/\\u@a.example']
    const odd = ['https://a.example/#', 'https://a.example/#x', 'https://a.example/ x', 'https://a.example/é']
    for (const url of [...schemes, ...strange, ...dressed, ...odd, 'https://a.example/\n']) {
      for (const rules of [production, development]) assert.notEqual(judgeOutboundUrl(url, rules), null, url)
    }
  })

  it('names no address that is private, however it is written', () => {
    const hosts = ['10.0.0.1', '169.254.169.254', '0.0.0.0', '100.64.0.1', '192.168.1.1', '[fd00::1]', '[::]']
    const spelled = ['0xa.1', '012.0.0.1', '167772161', '10.0.0.1.', '[::ffff:10.0.0.1]', '[64:ff9b::10.0.0.1]', '0']
    for (const host of [...hosts, ...spelled]) {
      for (const rules of [production, development]) {
        assert.notEqual(judgeOutboundUrl(`https://${host}/`, rules), null, host)
      }
    }
  })

  it('leads to this machine in development alone', () => {
    const hosts = ['localhost', 'localhost.', 'app.localhost', '127.0.0.1', '127.1', '2130706433', '0x7f.1', '[::1]']
    for (const host of hosts) {
      for (const scheme of ['http', 'https']) {
        assert.notEqual(judgeOutboundUrl(`${scheme}://${host}:3000/`, production), null, host)
        assert.equal(judgeOutboundUrl(`${scheme}://${host}:3000/`, development), null, host)
      }
    }
  })

  it('may lead into the networks of the operator where the operator said so, over https', () => {
    assert.equal(judgeOutboundUrl('https://app.internal/logout', production), null)
    assert.equal(judgeOutboundUrl('https://10.1.2.3/logout', production), null)
    assert.notEqual(judgeOutboundUrl('http://app.internal/logout', production), null)
    assert.notEqual(judgeOutboundUrl('https://10.1.2.4/logout', production), null)
  })

  it('never leads into the networks of the operator by the word of a stranger', () => {
    for (const url of ['https://app.internal/logout', 'https://APP.internal/', 'https://10.1.2.3/logout']) {
      assert.notEqual(judgeStrangersUrl(url, production), null, url)
    }
    assert.notEqual(judgeStrangersUrl('http://a.example/', production), null)
    assert.equal(judgeStrangersUrl('https://a.example/logout', production), null)
    assert.equal(judgeStrangersUrl('http://localhost:3000/', development), null)
  })

  it('has a length', () => {
    const base = 'https://a.example/'
    const longest = base + 'x'.repeat(outboundUrlCharactersMax - base.length)
    assert.equal(judgeOutboundUrl(longest, production), null)
    assert.notEqual(judgeOutboundUrl(`${longest}x`, production), null)
  })
})

describe('isLoopbackName', () => {
  it('knows this machine by name and by address, and nothing that only looks like it', () => {
    for (const name of ['localhost', 'a.localhost', 'localhost.', '127.0.0.1', '[::1]']) assert.ok(isLoopbackName(name))
    for (const name of ['localhost.example', 'notlocalhost', '128.0.0.1', '[::2]']) assert.ok(!isLoopbackName(name))
  })
})
