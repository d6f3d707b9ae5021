// A Node service that keeps its sessions as koa-session does, in the table of Compas's first era.
//
// koa-session and Compas are in no package of a system. Their parts are: `cookies`, `keygrip` and `pg` are the packages that
// they use. What is done with them here is written anew, as their documentation, their cookies and their rows have it.
//
//     node service.js MODULES '{"url":"postgresql://…","table":"session","name":"compas.sess","keys":["…"],"requests":[…]}'
//
// Each request has the Cookie field of a client and what its handler does: ["increment","visits"], ["set","user","bob"],
// ["delete","user"], ["assign"], ["destroy"]. It is answered with one line: the id, the session and the Set-Cookie fields.
// Requests are served one after the other. Instead of requests there may be texts to `sign`, or a `query` of the database, which
// is answered with its first value. With "inCookie":true there is no database: the cookie holds the session itself.
'use strict'

process.env.NODE_PATH = process.argv[2]
require('module').Module._initPaths()

const crypto = require('crypto')
const Cookies = require('cookies')
const Keygrip = require('keygrip')

const settings = JSON.parse(process.argv[3])
const name = settings.name ?? 'compas.sess'
const keys = new Keygrip(settings.keys, settings.algorithm ?? 'sha256')
const ownMaxAge = settings.maxAge ?? 'session'
const renewSeconds = settings.renew ?? 30
const table = `public."${settings.table ?? 'session'}"`

function store (client) {
  return {
    async get (id) {
      const rows = (await client.query(`SELECT data FROM ${table} WHERE id = $1 AND expires > $2`, [id, new Date()])).rows
      return rows.length > 0 ? rows[0].data : false
    },
    async set (id, data, maxAge) {
      const life = typeof maxAge === 'number' ? maxAge : 30 * 60 * 1000
      const sql = `INSERT INTO ${table} (id, expires, data) VALUES ($1, $2, $3) ` +
        'ON CONFLICT (id) DO UPDATE SET expires = EXCLUDED.expires, data = EXCLUDED.data, "updatedAt" = now()'
      await client.query(sql, [id, new Date(Date.now() + life), JSON.stringify(data)])
    },
    destroy: id => client.query(`DELETE FROM ${table} WHERE id = $1`, [id]),
    clean: () => client.query(`DELETE FROM ${table} WHERE expires < $1`, [new Date()])
  }
}

// A session as the value of its cookie, and back; what is none is no session.
function encode (record) {
  return Buffer.from(JSON.stringify(record)).toString('base64')
}

function decode (value) {
  try {
    return JSON.parse(Buffer.from(value, 'base64').toString('utf8'))
  } catch {
    return false
  }
}

// What koa-session writes of a session: no member that begins with `_`.
function serialized (session) {
  return Object.fromEntries(Object.entries(session).filter(([key]) => key !== 'isNew' && !key.startsWith('_')))
}

async function serve (sessions, request) {
  const headers = {}
  const response = {
    getHeader: field => headers[field],
    setHeader: (field, value) => { headers[field] = value }
  }
  const cookies = new Cookies({ headers: { cookie: request.cookie } }, response, { keys, secure: true })
  const options = { signed: true, overwrite: true, httpOnly: true, secure: true, sameSite: 'lax' }
  let maxAge = ownMaxAge

  const presented = cookies.get(name, options)
  let stored = false
  if (presented) stored = settings.inCookie ? decode(presented) : await sessions.get(presented)
  if (stored && stored._expire && stored._expire < Date.now()) stored = false
  const id = settings.inCookie ? '' : stored ? presented : crypto.randomUUID()
  let session = { isNew: true }
  let end
  if (stored) {
    session = { ...stored }
    if (stored._maxAge) maxAge = stored._maxAge
    if (stored._session) maxAge = 'session'
    end = stored._expire
  }
  const before = stored ? JSON.stringify(serialized(session)) : undefined

  for (const [verb, key, value] of request.do ?? []) {
    switch (verb) {
      case 'increment': session[key] = (session[key] ?? 0) + 1; break
      case 'set': session[key] = value; break
      case 'delete': delete session[key]; break
      // `ctx.session = {}`: another session under the same id.
      case 'assign': session = {}; break
      case 'destroy':
        if (stored && !settings.inCookie) await sessions.destroy(id)
        cookies.set(name, '', { ...options, expires: new Date(0) })
        if (settings.public) cookies.set(name + '.public', '', { ...options, signed: false, httpOnly: false, expires: new Date(0) })
        return { id, session: null, setCookie: headers['Set-Cookie'] ?? [] }
      default: throw new Error(`no verb ${verb}`)
    }
  }

  const data = serialized(session)
  const isChanged = before === undefined ? Object.keys(data).length > 0 : JSON.stringify(data) !== before
  const isRenewed = before !== undefined && end && end - Date.now() < maxAge - renewSeconds * 1000
  if (isChanged || isRenewed) {
    const record = { ...data }
    if (maxAge === 'session') {
      record._session = true
    } else {
      record._expire = Date.now() + maxAge
      record._maxAge = maxAge
    }
    if (!settings.inCookie) await sessions.set(id, record, maxAge === 'session' ? maxAge : maxAge + 10000)
    const age = maxAge === 'session' ? {} : { maxAge }
    if (settings.public) cookies.set(name + '.public', 'truthy', { ...options, ...age, signed: false, httpOnly: false })
    cookies.set(name, settings.inCookie ? encode(record) : id, { ...options, ...age })
  }
  return { id, session: data, setCookie: headers['Set-Cookie'] ?? [] }
}

async function main () {
  if (settings.sign) {
    for (const text of settings.sign) console.log(keys.sign(text))
    return
  }
  if (settings.inCookie) {
    for (const request of settings.requests) console.log(JSON.stringify(await serve(undefined, request)))
    return
  }
  const client = new (require('pg').Client)({ connectionString: settings.url })
  await client.connect()
  if (settings.query) {
    const { rows } = await client.query({ text: settings.query, rowMode: 'array' })
    console.log(String(rows[0]?.[0]))
  }
  const sessions = store(client)
  for (const request of settings.requests) console.log(JSON.stringify(await serve(sessions, request)))
  if (settings.clean) await sessions.clean()
  await client.end()
}

main().then(() => process.exit(0)).catch(error => {
  console.error(error)
  process.exit(1)
})
