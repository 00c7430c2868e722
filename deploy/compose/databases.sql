-- Run once, when the database is made: that of voxlake is there already.
CREATE DATABASE keycloak;
