import API
import Inference
import Tasks
import Testing

struct ConfigurationTests {
    private func resolve(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        yaml: String? = nil
    ) throws -> Configuration {
        guard let yaml else {
            return try Configuration(SettingSources(flags: flags, environment: environment), processors: 3)
        }
        let sources = try SettingSources(flags: flags, environment: environment, file: "m.yaml", text: yaml)
        return try Configuration(sources, processors: 3)
    }

    @Test func `without sources everything has its default`() throws {
        let configuration = try resolve()
        #expect(configuration[.host] == "127.0.0.1")
        #expect(configuration.integer(.port) == 8080)
        #expect(configuration.models == "weights")
        #expect(configuration.integer(.threads) == 3)
        #expect(configuration.duration(.maxBatchDelay) == .zero)
        #expect(configuration.entries.allSatisfy { $0.source == .builtIn })
        #expect(configuration.http.maxBodyBytes == 256 << 20)
        #expect(configuration.limits.maxBodyBytes == 32 << 20)
        #expect(configuration.limits.maxTensorBytes == 256 << 20)
        #expect(
            configuration.scheduler
                == Scheduler.Configuration(
                    maxQueueDelay: .milliseconds(1500),
                    maxInlineTime: .microseconds(300),
                    maxBesideTime: .microseconds(100)
                )
        )
        #expect(configuration.sequences == SequenceStore.Limits())
        #expect(configuration.limits == Service.Limits())
    }

    @Test func `every setting has a name of its own, a default that it takes, and help`() throws {
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
        for setting in Setting.all {
            #expect(!setting.help.isEmpty)
            let value = try resolve()[setting]
            guard !value.isEmpty else { continue }
            #expect(try resolve(flags: [setting.name: value])[setting] == value, "\(setting.name)")
        }
    }

    @Test func `a command looks at its own settings only`() throws {
        let sources = SettingSources(environment: ["MARTLET_PORT": "abc", "MARTLET_MODELS": "m"])
        #expect(try sources.text(for: .models) == "m")
        #expect(try sources.text(for: .cache) == nil)
        #expect(throws: ConfigurationError.self) { try sources.text(for: .port) }
    }

    @Test func `addresses and permissions are checked and written in one way`() throws {
        let configuration = try resolve(
            flags: ["listen": "127.0.0.1:1,unix:/run/s", "socket_mode": "0666"],
            yaml: "admin_listen: unix:/run/admin, 127.0.0.1:9090\n"
        )
        #expect(configuration[.listen] == "127.0.0.1:1, unix:/run/s")
        #expect(configuration[.adminListen] == "unix:/run/admin, 127.0.0.1:9090")
        #expect(configuration[.socketMode] == "666")
        for (name, value) in [
            ("listen", "8080"), ("listen", "a:1,"), ("admin_listen", "unix:s"), ("socket_mode", "1000"),
            ("socket_mode", "rw"), ("max_compression_ratio", "0"),
        ] {
            #expect(throws: ConfigurationError.self, "\(name)") { try resolve(flags: [name: value]) }
        }
        #expect(try resolve(flags: ["min_compressed_bytes": "0"]).limits.minPackedBytes == nil)
    }

    @Test func `the key that seals states is never printed`() throws {
        let configuration = try resolve(environment: ["MARTLET_STATE_KEY": "0123456789abcdef"])
        #expect(configuration[.stateKey] == "0123456789abcdef")
        #expect(configuration.entries.first { $0.name == "state_key" }?.value == "(secret)")
    }

    @Test func `a flag beats the environment, which beats the file`() throws {
        let configuration = try resolve(
            flags: ["port": "1"],
            environment: ["MARTLET_PORT": "2", "MARTLET_THREADS": "5", "OTHER": "x"],
            yaml: "port: 3\nthreads: 6\nmax_sequences: 7\nhost: '::1'\n"
        )
        #expect(configuration.integer(.port) == 1)
        #expect(configuration.integer(.threads) == 5)
        #expect(configuration.integer(.maxSequences) == 7)
        #expect(configuration[.host] == "::1")
        let sources = Dictionary(uniqueKeysWithValues: configuration.entries.map { ($0.name, $0) })
        #expect(sources["port"]?.source == .flag("--port"))
        #expect(sources["threads"]?.source == .environment("MARTLET_THREADS"))
        #expect(sources["max_sequences"]?.source.description == "m.yaml")
        #expect(sources["max_sequences"]?.value == "7")
        #expect(sources["models"]?.source == .builtIn)
    }

    @Test func `durations are milliseconds and the log level a name`() throws {
        let configuration = try resolve(
            yaml: "max_batch_delay_ms: 2\nrequest_timeout_ms: 1500\nlog_level: DEBUG\n"
        )
        #expect(configuration.duration(.maxBatchDelay) == .milliseconds(2))
        #expect(configuration.duration(.requestTimeout) == .milliseconds(1500))
        #expect(configuration.logLevel == .debug)
        #expect(configuration.entries.first { $0.name == "request_timeout_ms" }?.value == "1500")
    }

    // What any YAML reader takes for these values.
    // swift-format-ignore
    static let spellings: [(yaml: String, host: String)] = [
        ("host: a",                           "a"),
        ("\u{FEFF}---  # settings\r\nhost:\t a b  # c\r\n...\n\n", "a b"),
        ("host: a#b\n# host: c\n",            "a#b"),
        ("host: ::1",                         "::1"),
        ("host: http://a:1/",                 "http://a:1/"),
        ("host: 'it''s: # '   # a comment",   "it's: # "),
        (#"host: "a\"\\\/\t\x41\u00e9\U0001F600""#, "a\"\\/\tA\u{e9}\u{1F600}"),
        ("host: -a",                          "-a"),
        ("host: 'null'",                      "null"),
        ("host: yes",                         "yes"),
    ]

    @Test(arguments: spellings)
    func `reads a value as YAML spells it`(yaml: String, host: String) throws {
        #expect(try resolve(yaml: yaml)[.host] == host)
    }

    // swift-format-ignore
    static let refused: [(yaml: String, message: String)] = [
        ("host: {a: b}",              "m.yaml:1: host: expected a plain value"),
        ("host: &a b",                "m.yaml:1: host: expected a plain value"),
        ("host: |\n  a",              "m.yaml:1: host: expected a plain value"),
        ("host: - a",                 "m.yaml:1: host: expected a plain value"),
        ("host: ~",                   "m.yaml:1: host: expected a plain value"),
        ("host: # a",                 "m.yaml:1: host: expected a plain value"),
        ("port: 1\n  host: a",        "m.yaml:2: expected the name of a setting at the start of the line"),
        ("port: 1\nhost",             "m.yaml:2: expected the name of a setting at the start of the line"),
        ("host:a",                    "m.yaml:1: host: expected a space after ':'"),
        ("port: 1\nport: 2",          "m.yaml:2: port is given twice"),
        ("host: a: b",                "m.yaml: not YAML: line 1 has a second ': '"),
        ("host: a:",                  "m.yaml: not YAML: line 1 has a value that ends in ':'"),
        ("host: 'a' b",               "m.yaml: not YAML: line 1 has something behind a closing quote"),
        ("host: 'a'#b",               "m.yaml: not YAML: line 1 has something behind a closing quote"),
        (#"host: "\q""#,              "m.yaml: not YAML: line 1 has an unknown escape"),
        (#"host: "\ud800""#,          "m.yaml: not YAML: line 1 has an unknown escape"),
        ("host: a\u{0}",              "m.yaml: not YAML: line 1 has a control character"),
        ("port: 1\n---\nport: 2",     "m.yaml: expected a mapping of settings to values"),
        ("port: 1\n...\nhost: a",     "m.yaml:3: expected nothing after the end of the document"),
        ("%YAML 1.2\n---\nport: 1",   "m.yaml:1: expected the name of a setting"),
    ]

    @Test(arguments: refused)
    func `refuses what is no plain setting, with its line`(yaml: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try resolve(yaml: yaml) }
        #expect(error?.description.hasPrefix(message) == true, "found: \(error?.description ?? "")")
    }

    @Test(arguments: ["", "# nothing\n", "---\n"])
    func `an empty file sets nothing`(yaml: String) throws {
        #expect(try resolve(yaml: yaml).integer(.port) == 8080)
    }

    // swift-format-ignore
    static let faults: [(yaml: String, message: String)] = [
        ("prot: 1\n", "m.yaml: unknown setting 'prot'; did you mean 'port'?"),
        ("zzzzzzzzzzzz: 1\n", "m.yaml: unknown setting 'zzzzzzzzzzzz'; known settings are models, host, port, "),
        ("port: 65536\n", "m.yaml: port: expected an integer from 0 to 65535, found '65536'"),
        ("port: abc\n", "m.yaml: port: expected an integer from 0 to 65535, found 'abc'"),
        ("threads: 0\n", "m.yaml: threads: expected an integer from 1 to 1024, found '0'"),
        ("models: ''\n", "m.yaml: models: expected a text that is not empty, found ''"),
        ("state_key: short\n", "m.yaml: state_key: expected a text of at least 16 bytes, found 5"),
        ("tune: maybe\n", "m.yaml: tune: expected true or false, found 'maybe'"),
        ("log_level: loud\n", "m.yaml: log_level: expected one of trace, debug, "),
        ("- port\n", "m.yaml: expected a mapping of settings to values"),
        ("port: [1]\n", "m.yaml:1: port: expected a plain value"),
        ("host: a\nport:\n", "m.yaml:2: port: expected a plain value"),
        ("port: 1\nport: 2\n", "m.yaml"),
        ("port: 'x\n", "m.yaml: not YAML"),
    ]

    @Test(arguments: faults)
    func `says which setting of which source is wrong`(yaml: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try resolve(yaml: yaml) }
        #expect(error?.description.hasPrefix(message) == true, "found: \(error?.description ?? "")")
    }

    @Test func `names the flag or the variable that is wrong`() {
        let flag = #expect(throws: ConfigurationError.self) { try resolve(flags: ["max_batch_size": "-1"]) }
        #expect(
            flag?.description
                == "flag --max-batch-size: max_batch_size: expected an integer from 1 to 4096, found '-1'"
        )
        let variable = #expect(throws: ConfigurationError.self) {
            try resolve(environment: ["MARTLET_PORT": "tcp://10.0.0.1:80"])
        }
        #expect(
            variable?.description.hasPrefix("environment MARTLET_PORT: port: expected an integer") == true
        )
    }

    @Test func `reads the file that is named and says when it is not there`() throws {
        let folder = try TemporaryFolder()
        try folder.write("port: 9\n", to: "m.yaml")
        let path = folder.path + "/m.yaml"
        #expect(
            try Configuration.load(flags: ["config": path], environment: [:], processors: 1).integer(.port)
                == 9
        )
        let variables = ["MARTLET_CONFIG": path]
        #expect(try Configuration.load(flags: [:], environment: variables, processors: 1).integer(.port) == 9)
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.load(flags: ["config": path + "x"], environment: [:], processors: 1)
        }
        #expect(error?.description == "open \(path)x: no such file or directory (ENOENT)")
    }

    @Test func `what can be made again lies where the system or the user keeps such things`() throws {
        // swift-format-ignore
        let cases: [(environment: [String: String], folder: String)] = [
            (["CACHE_DIRECTORY": "/var/cache/martlet:/other", "HOME": "/h"], "/var/cache/martlet"),
            (["XDG_CACHE_HOME": "/x", "HOME": "/h"],                         "/x/martlet"),
            (["XDG_CACHE_HOME": "relative", "HOME": "/h"],                   "/h/.cache/martlet"),
            (["HOME": "/"],                                                  ""),
            ([:],                                                            ""),
            (["HOME": "/h", "MARTLET_CACHE": "/mine"],                       "/mine"),
        ]
        for (environment, folder) in cases {
            let found = try Configuration.load(flags: [:], environment: environment, processors: 1)
            #expect(found[.cache] == folder)
            guard case .measured(let tuning) = found.tuning else {
                Issue.record("tuning is off for \(environment)")
                continue
            }
            #expect(tuning == (folder.isEmpty ? nil : folder + "/tuning"))
        }
        let untuned = try Configuration.load(flags: ["tune": "false"], environment: [:], processors: 1)
        guard case .off = untuned.tuning else {
            Issue.record("tuning is on")
            return
        }
    }
}
