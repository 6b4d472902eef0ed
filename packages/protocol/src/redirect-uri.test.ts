import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  isLoopbackUrl,
  isSameRedirectUri,
  judgeRedirectUri,
  originOfRedirectUri,
  redirectUriCharactersMax,
} from './redirect-uri.ts'

const webKinds = ['web', 'bff', 'spa', 'integration', 'service'] as const

describe('which redirect URIs may be registered', () => {
  it('takes https for every kind, with port, path and query', () => {
    const good = [
      'https://a.example',
      'https://a.example/',
      'https://a.example/cb',
      'https://a.example:8443/cb',
      'https://a.example:443/cb',
      'https://a.example/cb?tenant=1',
      'https://a.example/cb?next=%2Fhome%3Fa%3D1&dots=..',
      'https://a.example/a//b/...',
      'https://a.example/cb;v=1',
      'https://a.example/caf%C3%A9/%7Eme',
      'https://xn--bcher-kva.example/cb',
      'https://192.0.2.1/cb',
      'https://[2001:db8::1]/cb',
    ]
    for (const uri of good) {
      for (const kind of webKinds) assert.equal(judgeRedirectUri(uri, kind), null, `${uri} as ${kind}`)
      assert.equal(judgeRedirectUri(uri, 'native'), null, uri)
    }
  })

  it('takes plain http on loopback only', () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      assert.equal(judgeRedirectUri(`http://${host}/cb`, 'web'), null)
      assert.equal(judgeRedirectUri(`http://${host}:3000/cb`, 'native'), null)
    }
    const bad = [
      'http://a.example/cb',
      'http://localhost.evil.example/cb',
      'http://127.0.0.2/cb',
      'http://127.1/cb',
      'http://2130706433/cb',
      'http://0x7f000001/cb',
      'http://0177.0.0.1/cb',
      'http://[::ffff:127.0.0.1]/cb',
      'http://[0:0:0:0:0:0:0:1]/cb',
      'http://0.0.0.0/cb',
      'http://localhost./cb',
    ]
    for (const uri of bad) refused(uri)
  })

  it('takes a private-use scheme with a dot, for native applications alone', () => {
    for (const uri of ['com.example.app:/cb', 'com.example.app://cb', 'com.example.app:/cb?a=1']) {
      assert.equal(judgeRedirectUri(uri, 'native'), null, uri)
      assert.equal(judgeRedirectUri(uri, 'device'), null, uri)
      for (const kind of webKinds) assert.notEqual(judgeRedirectUri(uri, kind), null, `${uri} as ${kind}`)
    }
    for (const uri of ['Com.Example.App:/cb', 'com.example.app://user@cb', 'com.example.app:/../cb']) refused(uri)
  })

  it('refuses schemes that run, read or hide something', () => {
    const schemes = [
      'javascript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      'vbscript:x',
      'blob:https://a.example/1',
    ]
    const others = [
      'ftp://a.example/',
      'ws://a.example/',
      'about:blank',
      'myapp:/cb',
      'myapp://cb',
      'urn:ietf:wg:oauth:2.0:oob',
    ]
    for (const uri of [...schemes, ...others]) refused(uri)
  })

  it('refuses user information, also when it is empty', () => {
    const written = ['user@a.example', 'user:pass@a.example', ':@a.example', '@a.example', 'a.example:443@evil.example']
    for (const authority of written) refused(`https://${authority}/cb`)
    assert.equal(judgeRedirectUri('https://a.example/@me', 'web'), null)
    assert.equal(judgeRedirectUri('https://a.example?mail=a@b', 'web'), null)
  })

  it('refuses a host that is not written as it is compared', () => {
    const hosts = [
      'A.example',
      'a.EXAMPLE',
      'a%2eexample',
      '0x7f.1',
      '1.2.3',
      '[2001:DB8::1]',
      'a.example:0443',
      'a.example:',
    ]
    for (const host of hosts) refused(`https://${host}/cb`)
    for (const uri of ['HTTPS://a.example/cb', 'https:/a.example/cb', 'https:a.example/cb', 'https:///a.example/cb'])
      refused(uri)
  })

  it('refuses wildcards, fragments, dot segments and escapes that two servers read in two ways', () => {
    const bad = [
      'https://*.example/cb',
      'https://a.example/*',
      'https://a.example/cb#',
      'https://a.example/cb#x',
      'https://a.example/cb/..',
      'https://a.example/./cb',
      'https://a.example/cb/..;/x',
      'https://a.example/cb/.;x',
      'https://a.example/cb;/x',
      'https://a.example/%2e%2e/cb',
      'https://a.example/%2E',
      'https://a.example/cb%2fx',
      'https://a.example/cb%252fx',
      'https://a.example/cb%5cx',
      'https://a.example/cb%00',
      'https://a.example/cb?a=%0d%0ab',
      'https://a.example/cb%7f',
      'https://a.example/cb%',
      'https://a.example/cb%g0',
      'https://a.example\\@evil.example/cb',
      'https://a.example/c b',
      'https://a.example/cb\t',
      'https://a.example/cb\r\n',
      ' https://a.example/cb',
      'https://a.example/cb\u0000',
      'https://bücher.example/cb',
      'https://a.example/cb<x>',
      'https://a.example/cb"x',
      'https://a.example/cb`x',
      'https://a.example/{tenant}/cb',
    ]
    for (const uri of bad) refused(uri)
  })

  it('refuses what is no absolute URI, and what is too long', () => {
    for (const uri of [
      '',
      '/cb',
      'a.example/cb',
      '//a.example/cb',
      'https://',
      'https://:443/',
      'https://a.example:65536/cb',
    ])
      refused(uri)
    const base = 'https://a.example/'
    const longest = base + 'x'.repeat(redirectUriCharactersMax - base.length)
    assert.equal(judgeRedirectUri(longest, 'web'), null)
    refused(`${longest}x`)
  })
})

describe('when a redirect URI is the registered one', () => {
  it('is the same text, and no other spelling of it', () => {
    const registered = 'https://a.example/cb'
    assert.equal(isSameRedirectUri(registered, registered), true)
    const others = [
      'https://a.example/cb/',
      'https://a.example/CB',
      'https://A.example/cb',
      'HTTPS://a.example/cb',
      'https://a.example:443/cb',
      'https://a.example:8443/cb',
      'https://a.example/cb?',
      'https://a.example/cb#',
      'https://a.example/cb?a=1',
      'https://a.example./cb',
      'https://aXexample/cb',
      'http://a.example/cb',
      'https://a.example/cb%00',
      'https://a.example/c%62',
      'https://a.example/x/../cb',
      'https://evil.example/cb',
      ' https://a.example/cb',
      '',
    ]
    for (const presented of others) assert.equal(isSameRedirectUri(registered, presented), false, presented)
  })

  it('lets the port of a loopback IP literal differ, from 1 to 65535, and nothing else', () => {
    for (const host of ['127.0.0.1', '[::1]']) {
      const registered = `http://${host}:8080/cb?a=1`
      for (const port of ['', ':1', ':80', ':8080', ':65535']) {
        assert.equal(isSameRedirectUri(registered, `http://${host}${port}/cb?a=1`), true, `${host}${port}`)
      }
      for (const port of [':', ':0', ':00080', ':080', ':65536', ':99999', ':123456', ':8a', ':-1', ':+1']) {
        assert.equal(isSameRedirectUri(registered, `http://${host}${port}/cb?a=1`), false, `${host}${port}`)
      }
      for (const rest of ['/cb', '/cb?a=2', '/CB?a=1', '/x?a=1', '', '/cb?a=1#', '/cb?a=1\n', '@evil.example/cb?a=1']) {
        assert.equal(isSameRedirectUri(registered, `http://${host}:9${rest}`), false, `${host}:9${rest}`)
      }
    }
  })

  it('reads a port where a port stands, not further on in the path', () => {
    for (const rest of ['/cb:99999', '/a:0/cb', '/cb?at=12:70000']) {
      assert.equal(isSameRedirectUri(`http://127.0.0.1${rest}`, `http://127.0.0.1:9${rest}`), true, rest)
    }
  })

  it('tells the names of loopback apart, and grants no port to any but the two literals', () => {
    const others = [
      'localhost',
      '127.1',
      '127.0.0.2',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
      '127.0.0.1.evil.example',
      '2130706433',
    ]
    for (const host of others) {
      assert.equal(isSameRedirectUri('http://127.0.0.1/cb', `http://${host}/cb`), false, host)
      assert.equal(isSameRedirectUri(`http://${host}/cb`, `http://${host}:9/cb`), false, host)
    }
    assert.equal(isSameRedirectUri('http://127.0.0.1/cb', 'http://[::1]/cb'), false)
    assert.equal(isSameRedirectUri('http://127.0.0.1/cb', 'https://127.0.0.1/cb'), false)
    assert.equal(isSameRedirectUri('https://127.0.0.1/cb', 'https://127.0.0.1:9/cb'), false)
  })
})

describe('what a redirect URI says about its page', () => {
  it('gives the origin of web pages, and none for other schemes', () => {
    assert.equal(originOfRedirectUri('https://a.example/cb?x'), 'https://a.example')
    assert.equal(originOfRedirectUri('https://a.example:443/cb'), 'https://a.example')
    assert.equal(originOfRedirectUri('http://127.0.0.1:3000/cb'), 'http://127.0.0.1:3000')
    assert.equal(originOfRedirectUri('com.example.app:/cb'), null)
    assert.equal(originOfRedirectUri('no uri'), null)
  })

  it('knows loopback by scheme and host', () => {
    for (const text of ['http://localhost:1/', 'http://127.0.0.1/', 'http://[::1]/']) {
      assert.equal(isLoopbackUrl(new URL(text)), true, text)
    }
    for (const text of ['https://localhost/', 'http://127.0.0.2/', 'http://localhost.example/', 'ftp://127.0.0.1/']) {
      assert.equal(isLoopbackUrl(new URL(text)), false, text)
    }
  })
})

function refused(uri: string): void {
  for (const kind of [...webKinds, 'native', 'device'] as const) {
    assert.notEqual(judgeRedirectUri(uri, kind), null, `${JSON.stringify(uri.slice(0, 80))} as ${kind}`)
  }
}
