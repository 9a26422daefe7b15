# Every foreign library, found once and named dep::<library>.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.14)
pkg_check_modules(confuse REQUIRED IMPORTED_TARGET libconfuse>=3.3)
pkg_check_modules(event REQUIRED IMPORTED_TARGET libevent>=2.1.12)
pkg_check_modules(sqlite REQUIRED IMPORTED_TARGET sqlite3>=3.40)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd>=1.5)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(mosquitto REQUIRED IMPORTED_TARGET libmosquitto>=2.0)
pkg_check_modules(serialport REQUIRED IMPORTED_TARGET libserialport>=0.1.1)
pkg_check_modules(pq REQUIRED IMPORTED_TARGET libpq)
foreach(name jansson confuse event sqlite zstd zlib mosquitto serialport pq)
  add_library(dep::${name} ALIAS PkgConfig::${name})
endforeach()

# mbedTLS 2.28 ships no pkg-config file.
foreach(name mbedtls mbedx509 mbedcrypto)
  find_library(${name}_LIBRARY ${name} REQUIRED)
  add_library(dep_${name} INTERFACE)
  target_link_libraries(dep_${name} INTERFACE ${${name}_LIBRARY})
  add_library(dep::${name} ALIAS dep_${name})
endforeach()

if(TESSERA_TESTS)
  pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
  add_library(dep::cmocka ALIAS PkgConfig::cmocka)
endif()
