import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { settingsSchema } from './settings.ts'
import { readCertificateFiles } from './tls-files.ts'
import { clientCertificatesOf, judgeTls } from './tls-settings.ts'

const files = { tlsCert: 'cert.pem', tlsKey: 'key.pem' }
const proxied = { clientCertificateHeader: 'Client-Cert', trustedProxies: ['10.0.0.5'] }

describe('settings of TLS', () => {
  it('that go together are taken', () => {
    const good = [
      {},
      files,
      { ...files, mtlsPort: 7443 },
      { ...files, mtlsPort: 0, tlsClientCa: 'clients.pem', mtlsUrl: 'https://mtls.example' },
      proxied,
      { ...proxied, tlsClientCa: 'clients.pem', mtlsUrl: 'https://mtls.example' },
      { ...files, issuer: 'https://as.example' },
    ]
    for (const one of good) assert.equal(judgeTls(settingsSchema.parse(one)), null, JSON.stringify(one))
  })

  it('that do not are refused with a sentence about what is missing', () => {
    const bad = [
      [{ tlsCert: 'cert.pem' }, /--tls-key/],
      [{ tlsKey: 'key.pem' }, /--tls-cert/],
      [{ mtlsPort: 7443 }, /--mtls-port speaks TLS/],
      [{ clientCertificateHeader: 'Client-Cert' }, /--trusted-proxy/],
      [{ tlsClientCa: 'clients.pem' }, /nobody is asked for/],
      [{ mtlsUrl: 'https://mtls.example' }, /nobody is asked for/],
      [{ ...files, issuer: 'http://localhost:7295' }, /write the issuer as https:\/\/localhost:7295/],
    ] as const
    for (const [one, sentence] of bad) assert.match(judgeTls(settingsSchema.parse(one)) ?? '', sentence)
  })

  it('have the form that they need', () => {
    for (const clientCertificateHeader of ['', 'a b', 'x:y', 'ä']) {
      assert.equal(settingsSchema.safeParse({ clientCertificateHeader }).success, false, clientCertificateHeader)
    }
    for (const mtlsUrl of ['http://localhost:1', 'https://mtls.example/', 'https://mtls.example/a', 'mtls.example']) {
      assert.equal(settingsSchema.safeParse({ mtlsUrl }).success, false, mtlsUrl)
    }
  })
})

describe('where certificates are shown', () => {
  const at = (one: object) => clientCertificatesOf(settingsSchema.parse(one), 'https://as.example')
  it('is nowhere, the issuer itself, its host and the second port, or where it is said', () => {
    assert.equal(at(files), null)
    assert.deepEqual(at(proxied), { url: null })
    assert.deepEqual(at({ ...files, mtlsPort: 7443 }), { url: 'https://as.example:7443' })
    assert.deepEqual(at({ ...files, mtlsPort: 443 }), { url: 'https://as.example' })
    assert.deepEqual(at({ ...proxied, mtlsUrl: 'https://mtls.example' }), { url: 'https://mtls.example' })
  })
})

describe('files of TLS', () => {
  it('are read where they are named, and refused where they hold no certificate', () => {
    const home = mkdtempSync(join(tmpdir(), 'pawl-tls-'))
    const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    try {
      for (const [name, text] of Object.entries({ 'one.pem': pem, 'two.pem': pem + pem, 'none.pem': 'none' })) {
        writeFileSync(join(home, name), text)
      }
      const named = (name: string) =>
        settingsSchema.parse({ tlsCert: join(home, name), tlsKey: join(home, 'none.pem') })
      assert.deepEqual(readCertificateFiles(settingsSchema.parse({})), { tls: null, authorities: [] })
      assert.deepEqual(readCertificateFiles(named('two.pem')).tls, { certificate: pem + pem, key: 'none' })
      assert.throws(() => readCertificateFiles(named('none.pem')), /--tls-cert\) holds no PEM certificate/)
      assert.throws(() => readCertificateFiles(named('missing.pem')), /cannot be read/)
      const trusting = (name: string) => readCertificateFiles(settingsSchema.parse({ tlsClientCa: join(home, name) }))
      assert.deepEqual(trusting('two.pem').authorities, [pem.trim(), pem.trim()])
      assert.throws(() => trusting('none.pem'), /--tls-client-ca\) holds no PEM certificate/)
    } finally {
      rmSync(home, { recursive: true })
    }
  })
})
