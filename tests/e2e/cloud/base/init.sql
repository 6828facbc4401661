CREATE DATABASE keystone;
CREATE DATABASE glance;
GRANT ALL ON keystone.* TO 'keystone'@'%' IDENTIFIED BY 'keystone';
GRANT ALL ON glance.* TO 'glance'@'%' IDENTIFIED BY 'glance';
